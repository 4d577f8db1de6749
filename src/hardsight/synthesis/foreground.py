"""Where the object is: a foreground mask from what is round about it, without any weights."""

import torch
import torch.nn.functional as F
from torch import Tensor

from hardsight.core.batches import batched

_RING = 0.05
"""Width of the border taken for background, as a fraction of the side."""
_FILLED = 0.4
"""Salient share of the border, over that of the rest, from which a surface fills the image."""

_EVEN = 1 / 255
"""Saliency that differs by less, between all pixels of all images, shows no object."""


def foreground(images: Tensor) -> Tensor:
    """Return where the object lies in each image; everywhere for a surface that fills the image.

    A pixel's saliency is its distance from the image's border colour (the median of a thin ring),
    or the contrast of its neighbourhood if that is larger; one Otsu threshold serves all images.
    Where the border is salient almost as often as the rest, there is no background, and all is
    foreground.

    Args:
        images: (N, 3, H, W) uint8 or float in [0, 1], normal images of one category.

    Returns:
        (N, 1, H, W) bool; no image's mask is empty.
    """
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(f"images must be (N, C, H, W), got {tuple(images.shape)}")
    salient = torch.cat([_saliency(part) for part in torch.split(images, 32)])
    edge = ring(salient.shape[-2:])
    found = above_otsu(salient, _EVEN)
    border, rest = (float(found[:, :, part].float().mean()) for part in (edge, ~edge))
    if border > _FILLED * rest:
        return torch.ones_like(found)
    found = widened(found, 2)
    empty = ~found.flatten(1).any(1)
    found[empty] = True
    return found


def above_otsu(maps: Tensor, even: float) -> Tensor:
    """Return which pixels of maps (N, 1, H, W) are above one threshold of Otsu (1979) for all.

    Args:
        maps: every other row and column of them sets the threshold.
        even: where they differ by less than this in all, every pixel is.
    """
    from skimage.filters import threshold_otsu  # slow to import: not before it is needed

    values = maps[:, :, ::2, ::2].flatten().numpy()
    if float(values.max() - values.min()) < even:
        return torch.ones_like(maps, dtype=torch.bool)
    return maps > float(threshold_otsu(values))


def widened(masks: Tensor, reach: int) -> Tensor:
    """Widen masks (N, 1, H, W) bool by ``reach`` pixels, in rows and columns; some at a time."""
    wider = []
    for part in batched(masks, 32):
        rows = F.max_pool2d(part.float(), (2 * reach + 1, 1), 1, (reach, 0))
        wider.append(F.max_pool2d(rows, (1, 2 * reach + 1), 1, (0, reach)) > 0)
    return torch.cat(wider)


def _saliency(images: Tensor) -> Tensor:
    """Return the saliency (N, 1, H, W) of (N, C, H, W), in units of intensity."""
    x = images.float() / 255 if images.dtype == torch.uint8 else images.float()
    around = x[:, :, ring(x.shape[-2:])].median(dim=2).values[:, :, None, None]
    distance = (x - around).abs().amax(1, keepdim=True)
    grey = x.mean(1, keepdim=True)
    mean, square = (F.avg_pool2d(v, 7, 1, 3, count_include_pad=False) for v in (grey, grey**2))
    contrast = (square - mean**2).clamp(min=0).sqrt()
    return F.avg_pool2d(torch.maximum(distance, contrast), 5, 1, 2, count_include_pad=False)


def ring(size: torch.Size) -> Tensor:
    """Return (H, W) bool, true in a thin ring along the border."""
    height, width = size
    edge = max(1, round(_RING * min(height, width)))
    found = torch.ones(height, width, dtype=torch.bool)
    found[edge : height - edge, edge : width - edge] = False
    return found
