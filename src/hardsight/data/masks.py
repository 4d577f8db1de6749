"""Reading masks: one rule for grey, one for shrinking, and the geometry of their images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import interpolate, pad

from hardsight.data.containers.container import MAX_PIXELS
from hardsight.data.images import Aspect, Size, decoded, geometry, height_width, inside, margins
from hardsight.data.opening import ImageError

COVERED = 1 / 8
"""A pixel of a shrunk mask is anomalous if at least this share of its area is."""
_CLASS_NUMBERS = 16 / 255
"""A mask all darker than this holds class numbers, of which every one but 0 is a defect."""


def read_mask(path: str | Path, size: Size | None = None, max_pixels: int = MAX_PIXELS) -> Tensor:
    """Decode a mask file to a bool tensor (1, H, W), true = anomalous.

    A pixel is anomalous whose brightest channel has at least half of the mask's largest value:
    that is where an edge that was blurred, by JPEG or anti-aliasing, lay. A mask whose largest
    value is below 16 of 255 holds class numbers, and every one but 0 is anomalous. Transparent
    pixels are 0. See ``resized_mask`` for ``size``; arguments and errors are otherwise those of
    ``read_image``.
    """
    mask = _marked(decoded(Path(path), max_pixels))
    target = height_width(size)
    return mask if target is None else resized_mask(mask, target)


def read_masks(
    image: Path, masks: Sequence[Path], size: Size | None = None, aspect: Aspect = "stretch"
) -> Tensor:
    """Decode the masks of one image, and join them: (1, H, W) bool, see ``read_mask``.

    Raises:
        ImageError: a mask cannot be read, or has not the shape of its image as it is shown.
    """
    target = height_width(size)
    for mask in masks:
        _demand_shape(image, mask)
    found = [_marked(decoded(mask)) for mask in masks]
    if target is None and len({one.shape for one in found}) > 1:
        raise ImageError(masks[1], f"its size is not that of {masks[0].name}, another of its image")
    shown = found if target is None else [resized_mask(one, target, aspect) for one in found]
    return torch.stack(shown).any(0)


def resized_mask(mask: Tensor, size: tuple[int, int], aspect: Aspect = "stretch") -> Tensor:
    """Resize a bool mask (1, H, W) so that no defect disappears.

    Shrunk, a pixel is anomalous if at least ``COVERED`` of its area is, and a defect that covers
    no pixel so far keeps those that it covers most. Enlarged, pixels are repeated. What is beside
    an image that keeps its aspect is normal.
    """
    inner = inside(tuple(mask.shape[-2:]), size, aspect)
    return pad(_scaled(mask, inner), margins(inner, size))


def _scaled(mask: Tensor, size: tuple[int, int]) -> Tensor:
    cover = _coverage(mask, size)
    if cover.shape == mask.shape:
        shrunk = mask
    else:
        places, most = _defects(cover)
        shrunk = (cover > 0) & (cover >= most.clamp(max=COVERED)[places])
    if size == tuple(shrunk.shape[-2:]):
        return shrunk
    return interpolate(shrunk[None].float(), size, mode="nearest-exact")[0] > 0


def is_binary(path: Path) -> bool:
    """Return whether a mask needs no rule for grey: black and one other value, or class numbers."""
    grey = decoded(path).amax(0)
    largest = grey.max()
    return bool(largest < _CLASS_NUMBERS or ((grey == 0) | (grey == largest)).all())


def is_thin(path: Path, size: int, aspect: Aspect = "stretch") -> bool:
    """Return whether some defect of a mask covers no more than half of any pixel at a size."""
    mask = _marked(decoded(path))
    cover = _coverage(mask, inside(tuple(mask.shape[-2:]), (size, size), aspect))
    _, most = _defects(cover)
    return bool((most[1:] <= 0.5).any())


def share_marked(path: Path) -> float:
    """Return the share of a mask's pixels that count as anomalous."""
    return float(_marked(decoded(path)).float().mean())


def _coverage(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the anomalous share of each pixel's area, (1, h, w), never larger than the mask."""
    smaller = [min(a, b) for a, b in zip(mask.shape[-2:], size, strict=True)]
    return interpolate(mask[None].float(), smaller, mode="area")[0]


def _defects(cover: Tensor) -> tuple[Tensor, Tensor]:
    """Number the connected parts of (1, h, w): (1, h, w) int64, and the largest value of each.

    Number 0 is what none covers.
    """
    values = cover[0].numpy()
    places, count = ndimage.label(values > 0, np.ones((3, 3)))
    most = ndimage.maximum(values, places, range(count + 1))
    return torch.from_numpy(places).long()[None], torch.as_tensor(most, dtype=cover.dtype)


def _marked(values: Tensor) -> Tensor:
    """Mark the defect in (C, H, W) in [0, 1] as (1, H, W) bool, by the rule of ``read_mask``."""
    grey = values.amax(0, keepdim=True)
    largest = float(grey.max())
    return grey > 0 if largest < _CLASS_NUMBERS else grey >= largest / 2


def _demand_shape(image: Path, mask: Path) -> None:
    """Refuse a mask that cannot be laid over its image, whatever the scale."""
    (height, width, orientation), (high, wide, _) = geometry(image)[:3], geometry(mask)[:3]
    if _same_shape(height, width, high, wide):
        return
    reason = (
        f"it has {wide} x {high} pixels and its image {image.name} {width} x {height}, of another "
        "aspect ratio, so that no pixel of one is known to be one of the other"
    )
    if orientation > 1 and _same_shape(width, height, high, wide):
        way_out = (
            f"the image is turned by its EXIF orientation {orientation}: turn the mask as well"
        )
    else:
        way_out = "cut both alike, or leave the mask out"
    raise ImageError(mask, f"{reason}; {way_out}")


def _same_shape(height: int, width: int, high: int, wide: int) -> bool:
    """Return whether two sizes differ by a scale alone, each side rounded to a pixel."""
    return 2 * abs(height * wide - width * high) <= max(height + width, high + wide)
