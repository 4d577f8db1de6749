"""From images to decisions on disk, within the time that a request has."""

import asyncio
import base64
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from hardsight.serve.api.images import Upload
from hardsight.serve.api.problems import Problem, again_after
from hardsight.serve.api.shapes import Decided, Decisions
from hardsight.serve.models import ServedModel
from hardsight.serve.scoring import Answer, Job
from hardsight.serve.service import Service

T = TypeVar("T")


async def decoded(service: Service, work: Callable[[], T]) -> T:
    """Do work in one of the decoders' threads."""
    return await asyncio.wrap_future(service.decoding(work))


async def jobs_of(service: Service, model: ServedModel, images: Sequence[Upload]) -> list[Job]:
    """Decode images for a model.

    Raises:
        ImageError: naming the first that cannot be used; then none is decided.
    """
    one_by_one = (decoded(service, partial(service.job, model, *image)) for image in images)
    return list(await asyncio.gather(*one_by_one))


async def answers_to(service: Service, jobs: Sequence[Job]) -> list[Answer]:
    """Have jobs scored, and return their answers when the decisions are on disk.

    Raises:
        QueueFullError, StoppedError: none was accepted.
        LogError: a decision could not be made durable; none is acknowledged.
        Problem: it took too long; what was not begun is dropped.
    """
    service.scorer.submit(jobs)
    waiting = asyncio.gather(*(asyncio.wrap_future(job.answer) for job in jobs))
    try:
        return list(await asyncio.wait_for(waiting, service.limits.seconds))
    except TimeoutError as error:
        late = f"no answer within {service.limits.seconds:g} s"
        raise Problem(503, f"{late}; send fewer images at a time", again_after(5)) from error


async def decisions(
    service: Service, model: ServedModel, images: Sequence[Upload], heat_map: bool
) -> Decisions:
    """Decide images, with heat maps where they are wanted."""
    jobs = await jobs_of(service, model, images)

    def drawn(job: Job, answer: Answer) -> str:
        return base64.b64encode(job.heat(answer.anomaly_map)).decode()

    shown = []
    for job, answer in zip(jobs, await answers_to(service, jobs), strict=True):
        heat = await decoded(service, partial(drawn, job, answer)) if heat_map else None
        shown.append(Decided.of(answer.decision, heat))
    return Decisions(decisions=shown)
