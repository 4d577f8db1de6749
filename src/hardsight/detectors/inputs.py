"""What a user has for images - paths, Pillow images, arrays, tensors - as batches of tensors."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from hardsight.core.types import check_images
from hardsight.data import Decoding
from hardsight.data.image_check import ImageCheck

Picture: TypeAlias = str | Path | Image.Image | NDArray[Any] | Tensor
Images: TypeAlias = Picture | Sequence[Picture]
"""One or several images, each of them:

- the path of a file, or a Pillow image: decoded and resized to the detector's size, see
  ``hardsight.data.read_image``;
- a NumPy array (H, W, 3), or several as (N, H, W, 3): uint8, or floats in [0, 1]; resized likewise;
- a tensor (3, H, W) in a list, or several as (N, 3, H, W), of the detector's size: uint8, or floats
  in [0, 1].

Networks compute in float32. float64 is rounded to it; float16 and bfloat16 are widened, but what
they lost stays lost: next to 1 a step of float16 is an eighth, one of bfloat16 a whole 8-bit level.
"""

ACCEPTED = "give paths, Pillow images, arrays (H, W, 3) or tensors (N, 3, H, W)"


def batches(images: Images, decoding: Decoding, count: int) -> Iterator[Tensor]:
    """Yield images as tensors (n, 3, H, W), uint8 or float32, n <= count, reading files in turn.

    Args:
        images: see ``Images``.
        decoding: of files, Pillow images and arrays.
        count: images in a batch, at least 1.

    Raises:
        TypeError: something that is no image.
        ValueError: no image at all, or one of another shape or range.
        ImageError: a file that cannot be read.
    """
    if isinstance(images, Tensor):
        if not len(images):
            raise ValueError("images is empty; give at least one")
        for batch in torch.split(images, count):
            yield batch if batch.dtype == torch.uint8 else _single(batch)
        return
    listed, check = _listed(images), ImageCheck(decoding)
    if not len(listed):
        raise ValueError("images is empty; give at least one")
    for start in range(0, len(listed), count):
        part = listed[start : start + count]
        yield torch.stack([_picture(p, start + i, decoding, check) for i, p in enumerate(part)])


def number_of(images: Images) -> int:
    """Return how many images there are.

    Raises:
        TypeError, ValueError: something that is no image.
    """
    return len(images if isinstance(images, Tensor) else _listed(images))


def _listed(images: Any) -> Sequence[Any]:
    """Return several images as they are, and a single one as a list of it."""
    if isinstance(images, str | Path | Image.Image):
        return [images]
    if isinstance(images, np.ndarray):
        if images.ndim not in (3, 4):
            raise ValueError(
                "images must be an array (H, W, 3), or (N, H, W, 3) for several, got shape "
                f"{images.shape}"
            )
        return list(images) if images.ndim == 4 else [images]
    if isinstance(images, Sequence):
        return images
    raise TypeError(f"images must not be a {type(images).__name__}; {ACCEPTED}")


def _picture(image: Any, index: int, decoding: Decoding, check: ImageCheck) -> Tensor:
    """Return an image as float32 (3, H, W) in [0, 1], once it was looked at."""
    name = f"images[{index}]"
    if isinstance(image, str | Path):
        check.file(Path(image))
        return decoding.file(Path(image))
    if isinstance(image, Image.Image):
        check.picture(image, name)
        return decoding.picture(image, name)
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(
                f"{name} must be an array (H, W, 3), got shape {image.shape}; repeat a grey one "
                "three times, and put the channels last"
            )
        check.shape(image.shape[:2], name)
        x = torch.from_numpy(image.copy()).permute(2, 0, 1)  # a read-only one is no tensor
        return decoding.pixels(_checked(x, name))
    if isinstance(image, Tensor):
        if image.shape != (3, *decoding.size):
            raise ValueError(
                f"{name} must be a tensor of shape {(3, *decoding.size)} for this detector, got "
                f"{tuple(image.shape)}; read it with size={decoding.size}"
            )
        return _checked(image, name)
    raise TypeError(f"{name} must not be a {type(image).__name__}; {ACCEPTED}")


def _checked(x: Tensor, name: str) -> Tensor:
    """Return uint8 or float (3, H, W) as float32 in [0, 1]."""
    return check_images(
        x[None].float() / 255 if x.dtype == torch.uint8 else _single(x[None]), name
    )[0]


def _single(x: Tensor) -> Tensor:
    """Return floats as float32; anything else is left to be refused."""
    return x.float() if x.is_floating_point() else x
