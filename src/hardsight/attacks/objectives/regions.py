"""Where on the map the score came from."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from hardsight.core.batches import at_least_single
from hardsight.core.types import Detection


def top_region(maps: Tensor, share: float = 0.01) -> Tensor:
    """Return where the largest ``share`` of each map's pixels is, at least one: (B, 1, H, W) bool.

    Of clean maps: the pixels that the clean score came from.

    Raises:
        ValueError: a share outside (0, 1].
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be in (0, 1], got {share}")
    flat = maps.detach().flatten(1)
    top = flat.topk(max(1, round(share * flat.shape[1])), dim=1, sorted=False).indices
    return torch.zeros_like(flat, dtype=torch.bool).scatter_(1, top, True).view_as(maps)


def coarse(maps: Tensor, side: int = 8) -> Tensor:
    """Average (B, 1, H, W) over a grid of at most ``side`` x ``side`` cells: (B, K)."""
    height, width = maps.shape[-2:]
    return F.adaptive_avg_pool2d(maps, (min(side, height), min(side, width))).flatten(1)


@dataclass(frozen=True, eq=False)
class RegionMean:
    """The surrogate that averages the map over a fixed region of each image.

    For ``ScoreObjective``, whose images must be those of the regions, in order, however many draws
    each is repeated for. A maximum wanders to wherever the map is largest now; this one stays.

    Args:
        regions: (B, 1, H, W) bool, none empty, for example from ``top_region``.
    """

    regions: Tensor

    def __post_init__(self) -> None:
        regions = self.regions
        if regions.dtype != torch.bool or not bool(regions.flatten(1).any(1).all()):
            raise ValueError("regions must be (B, 1, H, W) bool with at least one pixel an image")

    def take(self, index: Tensor) -> "RegionMean":
        """Return the surrogate of the images that ``index`` picks."""
        return RegionMean(self.regions[index])

    def __call__(self, detection: Detection) -> Tensor:
        """Return the mean (B * draws,) of each map over its image's region."""
        maps = at_least_single(detection.anomaly_map)
        draws, rest = divmod(len(maps), len(self.regions))
        if rest or maps.shape[1:] != self.regions.shape[1:]:
            raise ValueError(
                f"regions {tuple(self.regions.shape)} do not fit maps {tuple(maps.shape)}; "
                "attack the images the regions were made from, in one batch"
            )
        weight = self.regions.to(maps).flatten(1)
        weight = (weight / weight.sum(1, keepdim=True)).repeat_interleave(draws, dim=0)
        return (maps.flatten(1) * weight).sum(1)
