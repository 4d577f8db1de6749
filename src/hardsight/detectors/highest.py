"""The highest values of maps as a score."""

from torch import Tensor


def highest_mean(maps: Tensor, share: float) -> Tensor:
    """Return the mean (B,) of the highest ``share`` of each map's values (B, ...), at least one."""
    values = maps.flatten(1)
    return values.topk(max(1, round(share * values.shape[1])), dim=1).values.mean(1)
