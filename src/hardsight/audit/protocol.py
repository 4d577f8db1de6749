"""The audit of a detector: all checks, one after another."""

import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from hardsight.attacks import build_ball, frozen
from hardsight.audit import plan
from hardsight.audit.budgets import BUDGETS, Budget
from hardsight.audit.checks import CHECKS
from hardsight.audit.context import Context
from hardsight.audit.outcomes import BlockedError
from hardsight.audit.results import Audit, Check
from hardsight.data import AnomalyData
from hardsight.detectors import Detector, as_detector
from hardsight.evaluation.attack import matched
from hardsight.evaluation.deadline import deadline
from hardsight.evaluation.provenance import commit, device_name, fingerprint
from hardsight.types import Progress, quiet

Data = AnomalyData | str | Path | tuple[Tensor, ArrayLike]
"""A data set or its folder, whose test images are used; or images (N, 3, H, W) and labels (N,)."""


def audit(
    detector: Any,
    data: Data,
    *,
    eps: str | float = "2/255",
    norm: str = "Linf",
    images: int = 16,
    budget: str | Budget = "default",
    seed: int = 0,
    source: Detector | None = None,
    batch_size: int = 8,
    max_minutes: float | None = None,
    progress: Progress = quiet,
) -> Audit:
    """Check whether robust figures of a detector can be believed.

    The detector is audited in the mode it is in (see ``Detector.eval``) and left as it was.

    Args:
        detector: fitted; this project's or anything that scores images, see ``as_detector``.
        data: images of both kinds that it was not trained on.
        eps, norm: the threat model.
        images: of a data set, how many are used, half of each kind if there are so many, spread
            evenly; a tuple is used whole.
        budget: "quick", "default" or "full", see ``BUDGETS``, or one of your own.
        seed: of all randomness; same seed, same result.
        source: another detector of the same image size, from which attacks are transferred.
        batch_size: images attacked at a time.
        max_minutes: after this long the remaining checks are skipped and say so.
        progress: told, first of all, about how long it will take.

    Raises:
        ValueError: an unknown budget, norm or radius; too few images of a kind, or images that the
            detector cannot score.
    """
    if isinstance(budget, str):
        if budget not in BUDGETS:
            raise ValueError(f"budget={budget!r} is not known; choose from {', '.join(BUDGETS)}")
        budget = BUDGETS[budget]
    ball = build_ball(norm, eps)
    if ball.eps == 0:
        raise ValueError("eps must be above 0 for an audit; use the radius of your figures")
    if isinstance(data, tuple):
        x, labels = data[0], np.asarray(data[1], dtype=np.bool_)
        size = None if isinstance(detector, Detector) else x.shape[-1]
        detector, name = as_detector(detector, size), ""
    else:
        detector, whole = matched(detector, data)
        test = whole.limited(images, balanced=True).test
        name, x, labels = f" on {whole.name}", test.images(), test.labels
    begun = time.monotonic()
    modules = [d for d in (detector, source) if d is not None]
    devices = [detector.device.index or 0] * (detector.device.type == "cuda")
    with frozen(*modules), torch.random.fork_rng(devices):
        torch.manual_seed(seed)  # of randomness that a detector ought not to have
        context = Context(
            detector,
            x,
            labels,
            ball,
            budget,
            source=source,
            seed=seed,
            batch_size=batch_size,
            progress=progress,
        )
        context.deadline = deadline(max_minutes)
        context.total = plan.evaluations(context) * len(context.x)
        about = f"about {max(1, round(plan.minutes(context)))} min"
        progress("audit", 0, round(context.total), about)
        checks = tuple(_check(name, context) for name in CHECKS)
    progress("audit", round(context.total), round(context.total), "done")
    return Audit(
        checks=checks,
        title=f"{type(detector).__name__}{name}",
        weights=fingerprint(detector),
        norm=ball.name,
        eps=ball.eps,
        provenance={
            "detector": f"{type(detector).__name__} {detector.settings}",
            "images": f"{int((~labels).sum())} normal and {int(labels.sum())} anomalous",
            "budget": f"{budget.name}: {budget.base} steps, ladders of {list(budget.steps)} steps, "
            f"{list(budget.restarts)} restarts and {list(budget.draws)} draws, {budget.queries} "
            f"queries; objectives {', '.join(budget.objectives)}",
            "seed": str(seed),
            "time": f"{(time.monotonic() - begun) / 60:.1f} min",
            "device": device_name(detector.device),
            "hardsight": f"{version('hardsight')}, commit {commit()}",
        },
    )


def _check(name: str, context: Context) -> Check:
    """Make a check, unless it cannot be made."""
    context.stage = name
    try:
        context.check_time()
        return CHECKS[name](context)
    except BlockedError as blocked:
        return Check(name, blocked.verdict, str(blocked), due=blocked.due)
