"""The loss of the features that a student finds hardest."""

import math

from torch import Tensor


def hard_feature_loss(distances: Tensor, quantile: float = 0.999) -> Tensor:
    """Return the mean of all values from their ``quantile`` on (EfficientAD, section 3.2).

    The quantile is that of linear interpolation between order statistics, as NumPy's.

    Args:
        distances: of any shape; squared differences in each channel and place.
        quantile: in [0, 1); 0 is the mean of all.
    """
    values = distances.flatten()
    count = len(values) - math.ceil(quantile * (len(values) - 1))
    return values.topk(count).values.mean()
