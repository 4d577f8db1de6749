"""The audit of a detector or a classifier: all checks, one after another."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from hardsight.attacks import BALLS, THREATS, build_ball, frozen
from hardsight.audit import plan
from hardsight.audit.audited import Audited, Terms
from hardsight.audit.budgets import BUDGETS, Budget
from hardsight.audit.checks import CHECKS
from hardsight.audit.outcomes import BlockedError
from hardsight.audit.results import Audit, Check
from hardsight.core.global_generators import kept_generators, seed_generators
from hardsight.core.progress import Progress
from hardsight.core.types import check_images, check_labels
from hardsight.data import AnomalyData, LabelledImages
from hardsight.detectors import Detector, as_detector
from hardsight.evaluation.batches import deadline
from hardsight.evaluation.detectors import matched
from hardsight.evaluation.plan import Execution
from hardsight.evaluation.provenance import commit, device_name, fingerprint
from hardsight.evaluation.subjects import ClassifierSubject, DetectorSubject, Subject
from hardsight.evaluation.subjects.subject import Kind
from hardsight.evaluation.subjects.synthetic import demand_defects, unseen

Data = AnomalyData | str | Path | tuple[Tensor, ArrayLike] | LabelledImages
"""What an audit looks at. Of a detector: a data set or its folder, whose test images are used; or
images (N, 3, H, W), bytes or floats in [0, 1], and labels (N,), true = anomalous. Of a classifier:
labelled images."""
IMAGES: dict[Kind, int] = {"detector": 16, "classifier": 64}
"""How many are used of a data set: an accuracy counts images, an AUROC all pairs of them."""
BATCH: dict[Kind, int] = {"detector": 8, "classifier": 64}
"""Images attacked at a time."""
FEWEST = 4
"""Images, below which nothing is beyond chance."""
EXECUTION = Execution()


def audit(
    model: Any,
    data: Data,
    *,
    eps: str | float = "2/255",
    norm: str = "Linf",
    images: int | None = None,
    budget: str | Budget = "default",
    seed: int = 0,
    source: nn.Module | None = None,
    synthetic: bool = False,
    batch_size: int | None = None,
    execution: Execution = EXECUTION,
) -> Audit:
    """Check whether robust figures of a detector or a classifier can be believed.

    The model is audited in the mode it is in (see ``nn.Module.eval``) and left as it was.

    Args:
        model: a fitted detector, this project's or anything that scores images, see
            ``as_detector``; or, with labelled images, a classifier: images (B, C, H, W) in [0, 1]
            -> logits (B, K), plain or behind a purifier, see ``Purified``.
        data: images that it was not trained on; a detector's of both labels.
        eps, norm: the threat model.
        images: of a data set, how many are used, half of each label or as many of each class if
            there are so many, spread evenly; a tuple is used whole. None: see ``IMAGES``.
        budget: "quick", "default" or "full", see ``BUDGETS``, or one of your own.
        seed: of all randomness; same seed, same result.
        source: another model of the same task and image size, from which attacks are transferred;
            None: of a classifier behind a purifier, that classifier.
        synthetic: of a detector's data set without defects: take synthetic ones on good parts.
        batch_size: images attacked at a time; None: see ``BATCH``.
        execution: whom it tells, and how long it may take: after that the remaining checks are
            skipped and say so. Nothing is kept.

    Raises:
        ValueError: an unknown budget, norm or radius; too few images of a label, or images that the
            model cannot take.
        TypeError: a classifier that is no ``nn.Module``.
    """
    for name, count in (("images", images), ("batch_size", batch_size)):
        if count is not None and count < 1:
            raise ValueError(f"{name} must be at least 1, got {count}; None takes the usual number")
    if isinstance(budget, str):
        if budget not in BUDGETS:
            raise ValueError(f"budget={budget!r} is not known; choose from {', '.join(BUDGETS)}")
        budget = BUDGETS[budget]
    if norm.lower() in THREATS:
        raise ValueError(
            f"norm={norm!r}: an audit is made in a ball, and its stamp is on the figures of every "
            f"threat; choose from {', '.join(BALLS)}"
        )
    ball = build_ball(norm, eps)
    if ball.eps == 0:
        raise ValueError("eps must be above 0 for an audit; use the radius of your figures")
    defects = seed if synthetic else None
    subject = _subject(model, data, images, source, defects, execution.progress)
    _demand_enough(subject)
    begun = time.monotonic()
    size = batch_size or BATCH[subject.kind]
    terms = Terms(ball, budget, seed, size, deadline(execution.max_minutes), execution.progress)
    with frozen(*subject.models), _restored(seed, *subject.models):
        audited = Audited(subject, terms)
        _demand_right(audited)
        audited.meter.total = plan.evaluations(audited, len(subject))
        audited.meter.tell(0)
        checks = tuple(_check(name, audited) for name in CHECKS)
    if not any(check.due for check in checks):
        audited.meter.end()
    took = {"time": f"{(time.monotonic() - begun) / 60:.1f} min"}
    return Audit(
        checks=checks,
        title=subject.title,
        weights=fingerprint(subject.model),
        norm=ball.name,
        eps=ball.eps,
        provenance=_provenance(audited, seed) | took,
        kind=subject.kind,
    )


@contextmanager
def _restored(seed: int, *models: nn.Module) -> Iterator[None]:
    """Seed the randomness that a model ought not to have; restore it, and the models' buffers.

    A batch norm in train mode counts every image into its running statistics.
    """
    devices = {p.device for m in models for p in m.parameters()}
    kept = [(b, b.clone()) for m in models for b in m.buffers()]
    try:
        with kept_generators(*devices):
            seed_generators(seed, *devices)
            yield
    finally:
        for buffer, before in kept:
            buffer.copy_(before)


def _checked(images: Tensor, labels: ArrayLike) -> tuple[Tensor, NDArray[np.bool_]]:
    """Return images in [0, 1], of bytes too, and labels; else explain."""
    levels = isinstance(images, Tensor) and images.dtype == torch.uint8
    x = check_images(images / 255 if levels else images)
    return x, check_labels(labels).numpy(force=True)


def _subject(
    model: Any,
    data: Data,
    images: int | None,
    source: nn.Module | None,
    synthetic: int | None,
    progress: Progress,
) -> Subject:
    """Look at what was given; ``synthetic``: the seed of synthetic defects."""
    if isinstance(data, LabelledImages):
        if not isinstance(model, nn.Module) or isinstance(model, Detector):
            raise TypeError(
                f"model must be an nn.Module that returns logits to be audited on labelled images, "
                f"got {type(model).__name__}"
            )
        return ClassifierSubject.of(model, data.limited(images or IMAGES["classifier"]), source)
    if source is not None and not isinstance(source, Detector):
        raise TypeError(f"source must be a Detector, got {type(source).__name__}; see as_detector")
    if isinstance(data, tuple):
        x, labels = _checked(*data)
        size = None if isinstance(model, Detector) else x.shape[-1]
        return DetectorSubject(as_detector(model, size), x, labels, source)
    detector, whole = matched(model, data)
    count = images or IMAGES["detector"]
    if synthetic is not None:
        unseen(whole)[0].images(progress)
        return DetectorSubject.synthetic(detector, whole, source, synthetic).some(count)
    demand_defects(whole)
    few = whole.limited(count, balanced=True)
    few.test.images(progress)
    return DetectorSubject.of(detector, few, source)


def _demand_enough(subject: Subject) -> None:
    """Refuse images of which nothing is beyond chance, or that the source cannot take."""
    if isinstance(subject, DetectorSubject):
        normal, anomalous = int((~subject.truth).sum()), int(subject.truth.sum())
        if min(normal, anomalous) < FEWEST // 2:
            raise ValueError(
                f"an audit needs at least {FEWEST // 2} normal and {FEWEST // 2} anomalous images, "
                f"got {normal} and {anomalous}; take more images"
            )
        if subject.source is not None:
            subject.source.prepare(subject.images[:1])
    elif len(subject) < FEWEST:
        raise ValueError(
            f"an audit needs at least {FEWEST} images, got {len(subject)}; take more images"
        )


def _demand_right(audited: Audited) -> None:
    """Refuse a model that has nothing to lose."""
    if audited.subject.kind == "classifier" and audited.subject.figure(audited.clean) == 0:
        raise ValueError(
            "the classifier reads none of the images rightly before any attack, so there is "
            "nothing to audit; check that classes and labels are in the same order"
        )


def _provenance(audited: Audited, seed: int) -> dict[str, str]:
    b, subject = audited.budget, audited.subject
    return {
        subject.kind: subject.described,
        "images": subject.shown,
        "budget": f"{b.name}: {b.base} steps, {b.queries} queries; {_rungs(b.steps)} steps, "
        f"{_rungs(b.restarts)} restarts and {_rungs(b.draws)} draws beside each other; objectives "
        f"{', '.join(audited.objectives)}",
        "seed": str(seed),
        "device": device_name(subject.device),
        "hardsight": f"{version('hardsight')}, commit {commit()}",
    }


def _rungs(counts: Sequence[int]) -> str:
    """Return "5, 10 or 20"."""
    *before, last = map(str, counts)
    return f"{', '.join(before)} or {last}" if before else last


def _check(name: str, audited: Audited) -> Check:
    """Make a check, unless it cannot be made."""
    audited.stage = name
    begun, told = time.monotonic(), audited.meter.spent
    try:
        audited.check_time()
        found = CHECKS[name](audited)
    except BlockedError as blocked:
        found = Check(name, blocked.verdict, str(blocked), due=blocked.due)
    planned = plan.check_costs(audited, len(audited.subject)).get(name)
    if planned is not None and not found.due and audited.meter.spent == told:
        audited.tell_of(planned, time.monotonic() - begun)
    return found
