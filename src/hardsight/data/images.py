"""Reading image files: decoded by content, oriented, checked, as float tensors in [0, 1]."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps
from torch import Tensor
from torch.nn.functional import interpolate, pad

from hardsight.data.containers.container import MAX_PIXELS
from hardsight.data.opening import FormatError, ImageError, opened, opened_bytes
from hardsight.data.tiff import read_float_tiff, zero_is_white

Size = int | tuple[int, int]
"""A side, or (height, width), in pixels."""
Aspect = Literal["stretch", "keep"]
"""What becomes of an image of another aspect ratio than the size: it is stretched, or kept in its
shape in the middle, and its outermost pixels are repeated up to the border."""
Window = tuple[slice, slice]
"""Rows and columns of a decoded image."""
ENLARGED = 4
"""Times that a side may be enlarged before it is worth a sentence."""
_CONTAINER = 16
"""Bits of the grey images that Pillow reads in the modes ``I;16`` and ``I``."""


class Geometry(NamedTuple):
    """How large an image is shown, and how its pixels are stored."""

    height: int
    width: int
    orientation: int
    """EXIF tag 274: 1 is upright, 5 to 8 lie on their side."""
    transparent: bool = False
    """Whether its pixels have an opacity, of which ``read_image`` makes a composite over black."""


def read_image(
    path: str | Path,
    size: Size | None = None,
    max_pixels: int = MAX_PIXELS,
    bits: int | None = None,
    aspect: Aspect = "stretch",
) -> Tensor:
    """Decode an image file to a float32 tensor (3, H, W) in [0, 1].

    The format is told by content, never by the file name. The EXIF orientation is applied; of
    several frames the first is read. Grey is repeated to three channels. Transparent pixels are
    composited over black, so that whatever lies hidden under them cannot matter. Grey images of
    16 bits (Pillow modes ``I;16`` and ``I``) are divided by 65535, or by 2^bits - 1. Float images
    are in [0, 1] already, or are divided by 255 where their largest value is from 2 to 255. Other
    images have 8 bits a channel (Pillow reads 16-bit RGB as 8-bit).

    Args:
        path: The file.
        size: Of the result: antialiased bilinear. None leaves the image as large as it is.
        max_pixels: Larger images are refused, from their header. Pillow has a limit of its own
            (``PIL.Image.MAX_IMAGE_PIXELS``), which is left as it is and applies as well.
        bits: Depth of the camera where it is less than that of the file, e.g. 12 in a 16-bit PNG.
        aspect: See ``Aspect``.

    Raises:
        ImageError: missing, empty, damaged, too large, not an image, values out of range.
        ValueError: ``size`` or ``max_pixels`` is not positive, or ``bits`` not in 1..16.
    """
    target = height_width(size)
    found = resized(decoded(Path(path), max_pixels, bits), target, aspect)
    return found.expand(3, -1, -1).contiguous()


def decode_image(
    data: bytes,
    size: Size | None = None,
    name: str = "image",
    max_pixels: int = MAX_PIXELS,
    bits: int | None = None,
    aspect: Aspect = "stretch",
) -> Tensor:
    """Decode the bytes of an image file to a float32 tensor (3, H, W) in [0, 1].

    As ``read_image``; of TIFF files of floats those alone that Pillow knows.

    Raises:
        ImageError: as ``read_image``, under this name.
    """
    with opened_bytes(data, name, max_pixels) as image:
        return from_pil(image, size, name, bits, aspect)


def from_pil(
    image: Image.Image,
    size: Size | None = None,
    name: str = "image",
    bits: int | None = None,
    aspect: Aspect = "stretch",
) -> Tensor:
    """Convert a Pillow image to a float32 tensor (3, H, W) in [0, 1], as ``read_image`` does.

    Args:
        image: of any mode.
        size: see ``read_image``.
        name: of the image, for errors.
        bits, aspect: see ``read_image``.

    Raises:
        ImageError: values out of range.
    """
    array = _array(image, Path(name), _depth(bits))
    pixels = torch.from_numpy(array).permute(2, 0, 1)
    return resized(pixels, height_width(size), aspect).expand(3, -1, -1).contiguous()


def resized(image: Tensor, size: tuple[int, int] | None, aspect: Aspect = "stretch") -> Tensor:
    """Resize (C, H, W) in [0, 1] to (C, height, width), antialiased bilinear; None leaves it."""
    if size is None or size == tuple(image.shape[-2:]):
        return image
    inner = inside(tuple(image.shape[-2:]), size, aspect)
    found = interpolate(image[None], inner, mode="bilinear", antialias=True).clamp_(0, 1)
    return pad(found, margins(inner, size), mode="replicate")[0]


def inside(shape: tuple[int, ...], size: tuple[int, int], aspect: Aspect) -> tuple[int, int]:
    """Return the (height, width) that an image of a shape has within the size."""
    if aspect == "stretch":
        return size
    scale = min(size[0] / shape[0], size[1] / shape[1])
    height, width = (max(1, round(scale * side)) for side in shape)
    return height, width


def margins(inner: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the pixels (left, right, top, bottom) between what is in the middle and the size."""
    high, wide = size[0] - inner[0], size[1] - inner[1]
    return wide // 2, wide - wide // 2, high // 2, high - high // 2


def window(shape: tuple[int, int], size: tuple[int, int], aspect: Aspect) -> Window | None:
    """Return where an image of a shape lies within the size; None: it fills that."""
    height, width = inside(shape, size, aspect)
    left, _, top, _ = margins((height, width), size)
    found = slice(top, top + height), slice(left, left + width)
    return None if (height, width) == size else found


def within(image: Tensor, window: Window | None) -> Tensor:
    """Return the part of (..., H, W) that is in a window; None: all of it."""
    return image if window is None else image[..., *window]


def height_width(size: Size | None) -> tuple[int, int] | None:
    """Return a size as (height, width).

    Raises:
        ValueError: it is not positive.
    """
    if size is None:
        return None
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 1:
        raise ValueError(f"size must be positive, got {size}")
    return height, width


def decoded(path: Path, max_pixels: int = MAX_PIXELS, bits: int | None = None) -> Tensor:
    """Decode the first frame of a file to float32 (1 or 3, H, W) in [0, 1], upright."""
    depth = _depth(bits)
    try:
        with opened(path, max_pixels) as image:
            array = _array(image, path, depth)
    except FormatError as unknown:
        try:
            array = _unit_range(read_float_tiff(path, max_pixels), path)
        except FormatError:
            raise unknown from None
    return torch.from_numpy(array).permute(2, 0, 1)


def geometry(path: Path) -> Geometry:
    """Read how large an image is shown, from its header.

    Raises:
        ImageError: as ``read_image``.
    """
    try:
        with opened(path) as image:
            return shown(image)
    except FormatError:
        height, width = decoded(path).shape[-2:]
        return Geometry(height, width, 1)


def shown(image: Image.Image) -> Geometry:
    """Return how large an opened image is shown, by its header."""
    told = image.getexif().get(ExifTags.Base.Orientation, 1)
    orientation = told if told in range(1, 9) else 1  # as for who turns it
    width, height = image.size
    lies = orientation >= 5 and image.format != "TIFF"  # of which the size is that shown
    upright = (width, height) if lies else (height, width)
    return Geometry(*upright, orientation, is_transparent(image))


def is_small(shape: tuple[int, int], size: Size) -> bool:
    """Tell whether a side of an image (height, width) grows more than ``ENLARGED`` times."""
    target = (size, size) if isinstance(size, int) else size
    return any(ENLARGED * side < wanted for side, wanted in zip(shape, target, strict=True))


def is_transparent(image: Image.Image) -> bool:
    """Tell whether an opened image's pixels have an opacity, by its header."""
    return "transparency" in image.info or image.mode in ("RGBA", "RGBa", "LA", "La", "PA")


def _depth(bits: int | None) -> int:
    if bits is None:
        return _CONTAINER
    if not 1 <= bits <= _CONTAINER:
        raise ValueError(f"bits must be in 1..{_CONTAINER}, got {bits}")
    return bits


def values_of_sixteen(image: Image.Image) -> NDArray[Any]:
    """Return the values (H, W) of an opened grey image of 16 bits, upright, 0 as black."""
    values = np.array(ImageOps.exif_transpose(image))
    return 2**_CONTAINER - 1 - values if zero_is_white(image) else values


def _array(opened: Image.Image, path: Path, bits: int) -> NDArray[np.float32]:
    """Return the pixels (H, W, 1 or 3) in [0, 1], upright."""
    if opened.mode.startswith("I"):
        return _of_sixteen(opened, path, bits)
    image = ImageOps.exif_transpose(opened)
    if image.mode == "F":
        found = _unit_range(np.array(image)[..., None], path)
        return 1 - found if zero_is_white(opened) else found
    if is_transparent(image):
        rgba = np.array(image.convert("RGBA"), dtype=np.float32) / np.float32(255)
        return rgba[..., :3] * rgba[..., 3:]
    grey = image.mode in ("1", "L")
    eight = np.array(image.convert("L" if grey else "RGB"), dtype=np.float32)
    return (eight[..., None] if grey else eight) / np.float32(255)


def _of_sixteen(opened: Image.Image, path: Path, bits: int) -> NDArray[np.float32]:
    """Return the pixels (H, W, 1) of a grey image of 16 bits, as ``_array`` does."""
    value, limit = values_of_sixteen(opened)[..., None], 2**bits - 1
    low, high = value.min(), value.max()
    if low < 0 or high > limit:
        reason = f"its values are in [{low}, {high}], outside [0, {limit}]"
        way_out = "raise bits" if bits < _CONTAINER else "rescale it, or save it with 16 bits"
        raise ImageError(path, f"{reason}; {way_out}")
    key = opened.info.get("transparency")
    if isinstance(key, int):
        value = np.where(value == key, 0, value)
    return value.astype(np.float32) / np.float32(limit)


def _unit_range(value: NDArray[np.float32], path: Path) -> NDArray[np.float32]:
    """Return float values in [0, 1]: as they are, or of 255; between 1 and 2 it cannot be told."""
    if lost := int((~np.isfinite(value)).sum()):
        reason = f"{lost} of its {value.size:,} values are NaN or infinite"
        raise ImageError(path, f"{reason}; look how it was written, or leave it out")
    low, high = value.min(), value.max()
    if low >= 0 and high <= 1:
        return value
    if low >= 0 and 2 <= high <= 255:
        return value / np.float32(255)
    reason = f"its float values are in [{low:g}, {high:g}], outside [0, 1] and not of [0, 255]"
    raise ImageError(path, f"{reason}; rescale it, or save it with 8 or 16 bits")
