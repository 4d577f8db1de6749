"""``/v1/models/{name}/attack`` and ``/certify``: what it takes to fool the model on one image."""

import asyncio
import base64
import time
from collections.abc import Callable
from typing import Annotated, Protocol, TypeVar

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from hardsight.serve.api.bodies import IMAGE
from hardsight.serve.api.deciding import decoded
from hardsight.serve.api.images import uploads
from hardsight.serve.api.problems import Problem, again_after
from hardsight.serve.probes import Attacking, Certifying, attacked_image, certify_image
from hardsight.serve.scoring import Job
from hardsight.serve.service import Service

T = TypeVar("T")


class Probe(Protocol):
    """Work on a model in steps."""

    @property
    def done(self) -> bool:
        """Whether all steps are made."""
        ...

    def step(self) -> None:
        """Make the next."""
        ...


class Attacked(BaseModel):
    """What a few steps of PGD make of an image; a lower bound of what an attacker can do."""

    eps: float
    steps: int
    clean_score: float
    score: float
    p_value: float
    threshold: float
    clean_label: bool
    label: bool
    l2: float
    """Norm of the change, to be held beside a certified radius."""
    image: str
    """The attacked image, a PNG in base64."""
    perturbation: str
    """Ten times the change round grey, a JPEG in base64."""
    heat_map: str
    """Heat map of the attacked image, a PNG in base64."""


class CertifiedShown(BaseModel):
    """What no perturbation can do to the smoothed score of an image."""

    decision: str
    """NORMAL, ANOMALOUS or UNDECIDED."""
    radius: float | None
    """L2, in [0, 1] pixel units; null: undecided."""
    sigma: float
    copies: int
    confidence: float
    median: float
    threshold: float


def probe_routes(service: Service) -> APIRouter:
    """Return the routes that the page probes a model by; nothing of them goes to the log."""
    routes = APIRouter(prefix="/v1/models", tags=["probing"])

    @routes.post("/{name}/attack", openapi_extra=IMAGE)
    async def attack(
        name: str,
        request: Request,
        eps: Annotated[float, Query(ge=0, le=0.25, description="L-inf radius.")] = 2 / 255,
        steps: Annotated[int, Query(ge=1, le=20)] = 5,
    ) -> Attacked:
        """Attack one image by PGD on the score, towards the other decision."""
        model = service.models.get(name)
        if not model.detector.differentiable:
            raise Problem(
                409, f"{name} has no gradient to attack by; serve the run it was exported from"
            )
        job = await _job(service, name, request)
        work = Attacking(job, eps, steps)
        if not await _in_time(service, work):
            raise _too_many(f"{work.made} of {steps} steps", f"steps={max(1, work.made // 2)}")
        found = await _aside(service, lambda: attacked_image(work))
        if work.nonfinite:
            raise Problem(
                422,
                f"the gradient of {name}'s score is not finite on this image: an attack that "
                "cannot follow it proves nothing; see `hardsight audit`",
            )

        def shown() -> Attacked:
            return Attacked(
                eps=eps,
                steps=steps,
                clean_score=found.clean_score,
                score=found.score,
                p_value=found.p_value,
                threshold=model.calibration.threshold,
                clean_label=found.clean_label,
                label=found.label,
                l2=found.l2,
                image=_text(found.picture),
                perturbation=_text(found.perturbation),
                heat_map=_text(found.heat),
            )

        return await decoded(service, shown)

    @routes.post("/{name}/certify", openapi_extra=IMAGE)
    async def certify(
        name: str,
        request: Request,
        sigma: Annotated[float, Query(gt=0, le=1)] = 0.125,
        copies: Annotated[int, Query(ge=50, le=1000)] = 100,
    ) -> CertifiedShown:
        """Certify the median of one image's score under Gaussian noise (Chiang et al., 2020).

        As many copies are asked for as the service scores in the time of a request.
        """
        model = service.models.get(name)
        job = await _job(service, name, request)
        work = Certifying(model, job.image, sigma, copies)
        if not await _in_time(service, work):
            scored = len(work.scores)
            fewer = f"copies={max(50, scored // 2)}"
            raise _too_many(f"{scored} of {copies} copies", fewer)
        found = certify_image(work)
        return CertifiedShown(
            decision=found.decision,
            radius=found.radius,
            sigma=sigma,
            copies=copies,
            confidence=found.confidence,
            median=found.median,
            threshold=model.calibration.threshold,
        )

    return routes


async def _job(service: Service, name: str, request: Request) -> Job:
    """Return the one image of a form, decoded for the model."""
    model = service.models.get(name)
    (data, source), *_ = await uploads(request, "", 1)
    return await decoded(service, lambda: service.job(model, data, source))


async def _in_time(service: Service, work: Probe) -> bool:
    """Make all steps of work, images of the line between them; tell whether there was time."""
    until = time.monotonic() + service.limits.seconds
    while not work.done:
        if time.monotonic() > until:
            return False
        await _aside(service, work.step)
    return True


async def _aside(service: Service, work: Callable[[], T]) -> T:
    """Do work in the thread that computes, when no image waits."""
    answer = asyncio.wrap_future(service.scorer.aside(work))
    try:
        return await asyncio.wait_for(answer, service.limits.seconds)
    except TimeoutError as error:
        busy = "the line keeps the model busy; decisions come first"
        raise Problem(503, busy, again_after(5)) from error


def _too_many(made: str, fewer: str) -> Problem:
    return Problem(
        422,
        f"{made} were made in the time of a request; ask for fewer, such as {fewer}, when the "
        "model is less busy",
    )


def _text(picture: bytes) -> str:
    return base64.b64encode(picture).decode()
