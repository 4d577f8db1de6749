"""Photographs that scikit-image brings along, as random crops: they stand in for ImageNet."""

from collections.abc import Sequence
from pathlib import Path

import skimage.data
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from hardsight.data import read_image
from hardsight.synthesis.shapes import uniform

NAMES = (
    *("astronaut.png", "brick.png", "camera.png", "cell.png", "chelsea.png", "coffee.png"),
    *("coins.png", "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png"),
    *("motorcycle_left.png", "page.png", "retina.jpg", "rocket.jpg", "text.png"),
)
SMALLEST = 0.25
"""Side of a crop at least, as a share of the photograph's shorter one."""
GREY = 0.3
"""Share of the crops without colour."""


def photographs(names: Sequence[str] = NAMES) -> tuple[Tensor, ...]:
    """Read photographs, (3, H, W) uint8 each of its own size.

    Raises:
        ImageError: scikit-image came without one.
    """
    folder = Path(skimage.data.__file__).parent
    return tuple((read_image(folder / name) * 255).round().byte() for name in names)


def random_crops(pictures: Sequence[Tensor], count: int, size: int, generator: Generator) -> Tensor:
    """Draw squares of pictures, (count, 3, size, size) uint8, all pictures equally often.

    Args:
        pictures: (3, H, W) uint8 each.
        count: of squares.
        size: of the squares once resized, in pixels.
        generator: of pictures, places, sides, flips and colour.
    """
    which = torch.randint(len(pictures), (count,), generator=generator).tolist()
    return torch.stack([_random_crop(pictures[i], size, generator) for i in which])


def _random_crop(picture: Tensor, size: int, generator: Generator) -> Tensor:
    height, width = picture.shape[1:]
    side = max(1, round(uniform(generator, SMALLEST, 1.0) * min(height, width)))
    y = int(uniform(generator, 0, height - side + 1))
    x = int(uniform(generator, 0, width - side + 1))
    crop = picture[None, :, y : y + side, x : x + side].float()
    crop = F.interpolate(crop, (size, size), mode="bilinear", align_corners=False, antialias=True)
    if uniform(generator, 0, 1) < 0.5:
        crop = crop.flip(-1)
    if uniform(generator, 0, 1) < GREY:
        crop = crop.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    return crop[0].round().clamp(0, 255).byte()
