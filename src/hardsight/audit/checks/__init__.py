"""The checks by name."""

from collections.abc import Callable

from hardsight.audit.audited import Audited
from hardsight.audit.checks.continuity import continuity
from hardsight.audit.checks.effort import draws, monotone, restarts, steps, unbounded
from hardsight.audit.checks.gradients import gradient, pixels, precision, step
from hardsight.audit.checks.randomness import agreement, fixed
from hardsight.audit.checks.rivals import bpda, chance, square, transfer
from hardsight.audit.checks.scores import mode, saturation, zero
from hardsight.audit.results import Check

CHECKS: dict[str, Callable[[Audited], Check]] = {
    "gradient": gradient,
    "pixels": pixels,
    "step": step,
    "continuity": continuity,
    "precision": precision,
    "mode": mode,
    "zero": zero,
    "saturation": saturation,
    "agreement": agreement,
    "unbounded": unbounded,
    "monotone": monotone,
    "steps": steps,
    "restarts": restarts,
    "draws": draws,
    "square": square,
    "bpda": bpda,
    "transfer": transfer,
    "chance": chance,
    "fixed": fixed,
}
"""Name -> check, in the order in which they are made: what is cheap and decisive comes first. The
first line of a check's docstring is its question."""

__all__ = ["CHECKS"]
