"""What two attacks of the same images found, together."""

import torch
from torch import Tensor

from hardsight.core.batches import choose
from hardsight.core.types import AttackResult


def better(a: AttackResult, b: AttackResult, among: Tensor | None = None) -> AttackResult:
    """Return for each image the result of higher objective, and what both attacks spent.

    Args:
        a: kept where neither is higher.
        b: of the same images and objective.
        among: (B,) bool, the images at which ``b`` may count; None: all.
    """
    higher = b.objective > a.objective
    if among is not None:
        higher &= among
    return AttackResult(
        choose(higher, b.images, a.images),
        torch.where(higher, b.objective, a.objective),
        a.queries + b.queries,
        a.nonfinite | b.nonfinite,
    )
