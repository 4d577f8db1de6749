"""Whether a model that is asked the same again answers the same."""

import torch
from torch import Tensor

ASKED = 8
"""How often a model that does not say whether it is random is asked about the same images: one that
seldom answers otherwise, as after a mirroring at random, is found as well."""
ROUNDING = 1e-3
"""Part of the largest answer up to which answers to the same may differ: by rounding alone."""


def largest_change(first: Tensor, *others: Tensor) -> float:
    """Return how far other answers are from the first, as part of its largest finite number.

    Args:
        first: any shape; NaN and infinities are answers as well.
        others: of the same shape.

    Returns:
        0 of answers that are equal to the last bit; infinity where one alone is NaN or infinite.
    """
    same = [(other == first) | (other.isnan() & first.isnan()) for other in others]
    apart = [
        (other.double() - first.double())
        .abs()
        .nan_to_num(torch.inf, posinf=torch.inf)
        .masked_fill(equal, 0)
        for other, equal in zip(others, same, strict=True)
    ]
    furthest = float(torch.stack(apart).max())
    if furthest == 0:
        return 0.0
    largest = float(first.double().abs().nan_to_num(0, posinf=0).max())
    return furthest / largest if largest else torch.inf
