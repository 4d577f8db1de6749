"""The audit of a detector or a classifier: all checks, one after another."""

import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from hardsight.attacks import build_ball, frozen
from hardsight.audit import plan
from hardsight.audit.budgets import BUDGETS, Budget
from hardsight.audit.case import Case
from hardsight.audit.checks import CHECKS
from hardsight.audit.classes import ClassContext
from hardsight.audit.context import Context
from hardsight.audit.outcomes import BlockedError
from hardsight.audit.results import Audit, Check
from hardsight.core.types import Progress, quiet
from hardsight.data import AnomalyData, LabelledImages
from hardsight.detectors import Detector, as_detector
from hardsight.evaluation.attack import matched
from hardsight.evaluation.deadline import deadline
from hardsight.evaluation.provenance import commit, device_name, fingerprint

Data = AnomalyData | str | Path | tuple[Tensor, ArrayLike] | LabelledImages
"""Of a detector: a data set or its folder, whose test images are used; or images (N, 3, H, W) and
labels (N,), true = anomalous. Of a classifier: labelled images."""
IMAGES = {"detector": 16, "classifier": 64}
"""How many are used of a data set: an accuracy counts images, an AUROC all pairs of them."""
BATCH = {"detector": 8, "classifier": 64}
"""Images attacked at a time."""


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
    batch_size: int | None = None,
    max_minutes: float | None = None,
    progress: Progress = quiet,
) -> Audit:
    """Check whether robust figures of a detector or a classifier can be believed.

    The model is audited in the mode it is in (see ``nn.Module.eval``) and left as it was.

    Args:
        model: a fitted detector, this project's or anything that scores images, see
            ``as_detector``; or, with labelled images, a classifier: images (B, C, H, W) in [0, 1]
            -> logits (B, K), plain or behind a purifier, see ``Purified``.
        data: images that it was not trained on; a detector's of both kinds.
        eps, norm: the threat model.
        images: of a data set, how many are used, half of each kind or as many of each class if
            there are so many, spread evenly; a tuple is used whole. None: see ``IMAGES``.
        budget: "quick", "default" or "full", see ``BUDGETS``, or one of your own.
        seed: of all randomness; same seed, same result.
        source: another model of the same kind and image size, from which attacks are transferred;
            None: of a classifier behind a purifier, that classifier.
        batch_size: images attacked at a time; None: see ``BATCH``.
        max_minutes: after this long the remaining checks are skipped and say so.
        progress: told, first of all, about how long it will take.

    Raises:
        ValueError: an unknown budget, norm or radius; too few images of a kind, or images that the
            model cannot take.
        TypeError: a classifier that is no ``nn.Module``.
    """
    if isinstance(budget, str):
        if budget not in BUDGETS:
            raise ValueError(f"budget={budget!r} is not known; choose from {', '.join(BUDGETS)}")
        budget = BUDGETS[budget]
    ball = build_ball(norm, eps)
    if ball.eps == 0:
        raise ValueError("eps must be above 0 for an audit; use the radius of your figures")
    opened = _opened(model, data, images)
    begun = time.monotonic()
    modules = [m for m in (opened.model, source) if m is not None]
    devices = {p.device.index or 0 for p in opened.model.parameters() if p.device.type == "cuda"}
    with frozen(*modules), torch.random.fork_rng(sorted(devices)):
        torch.manual_seed(seed)  # of randomness that a model ought not to have
        case = opened.case(
            ball,
            budget,
            source=source,
            seed=seed,
            batch_size=batch_size or BATCH[opened.kind],
            progress=progress,
        )
        case.deadline = deadline(max_minutes)
        case.total = plan.evaluations(case) * len(case.x)
        about = f"about {max(1, round(plan.minutes(case)))} min"
        progress("audit", 0, round(case.total), about)
        checks = tuple(_check(name, case) for name in CHECKS)
    progress("audit", round(case.total), round(case.total), "done")
    return Audit(
        checks=checks,
        title=f"{type(case.model).__name__}{opened.on}",
        weights=fingerprint(case.model),
        norm=ball.name,
        eps=ball.eps,
        provenance=_provenance(case, seed) | {"time": f"{(time.monotonic() - begun) / 60:.1f} min"},
        kind=case.kind,
    )


class _Opened(NamedTuple):
    """A model and the images it is audited on."""

    kind: str
    model: nn.Module
    on: str
    """" on bottle", "" for images without a name."""
    case: Callable[..., Case]
    """Makes the case from what is left to say."""


def _opened(model: Any, data: Data, images: int | None) -> _Opened:
    """Look at what was given."""
    if isinstance(data, LabelledImages):
        if not isinstance(model, nn.Module) or isinstance(model, Detector):
            raise TypeError(
                f"model must be an nn.Module that returns logits to be audited on labelled images, "
                f"got {type(model).__name__}"
            )
        part = data.limited(images or IMAGES["classifier"])
        return _Opened("classifier", model, f" on {data.name}", partial(ClassContext, model, part))
    if isinstance(data, tuple):
        x, labels = data[0], np.asarray(data[1], dtype=np.bool_)
        detector, on = as_detector(model, _size(model, x)), ""
    else:
        detector, whole = matched(model, data)
        test = whole.limited(images or IMAGES["detector"], balanced=True).test
        on, x, labels = f" on {whole.name}", test.images(), test.labels
    return _Opened("detector", detector, on, partial(Context, detector, x, labels))


def _size(model: Any, x: Tensor) -> int | None:
    return None if isinstance(model, Detector) else x.shape[-1]


def _provenance(case: Case, seed: int) -> dict[str, str]:
    b = case.budget
    name = f"{type(case.model).__name__} {getattr(case.model, 'settings', '')}".strip()
    return {
        case.kind: name,
        "images": case.shown,
        "budget": f"{b.name}: {b.base} steps, ladders of {list(b.steps)} steps, {list(b.restarts)} "
        f"restarts and {list(b.draws)} draws, {b.queries} queries; objectives "
        f"{', '.join(case.objectives)}",
        "seed": str(seed),
        "device": device_name(case.x.device),
        "hardsight": f"{version('hardsight')}, commit {commit()}",
    }


def _check(name: str, case: Case) -> Check:
    """Make a check, unless it cannot be made."""
    case.stage = name
    try:
        case.check_time()
        return CHECKS[name](case)
    except BlockedError as blocked:
        return Check(name, blocked.verdict, str(blocked), due=blocked.due)
