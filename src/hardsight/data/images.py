"""Reading image files: decoded by content, oriented, checked, as float tensors in [0, 1]."""

import glob
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.nn.functional import interpolate

IMAGE_EXTENSIONS = frozenset(
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".tif",
        ".tiff",
        ".bmp",
        ".dib",
        ".gif",
        ".webp",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".jp2",
        ".j2k",
    }
)
"""Lower-case suffixes by which a file in a folder is taken for an image."""

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "DIB", "GIF", "WEBP", "PPM", "JPEG2000")
_DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    KeyError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow's decoders raise on damaged files."""


class ImageError(ValueError):
    """An image file that cannot be used: ``path`` names it, ``reason`` says why and the way out."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot use image {self.path}: {self.reason}"


def read_image(
    path: str | Path, size: int | tuple[int, int] | None = None, max_pixels: int = 200_000_000
) -> Tensor:
    """Decode an image file to a float32 tensor (3, H, W) in [0, 1].

    The format is told by content, never by the file name. The EXIF orientation is applied; of
    several frames the first is read. Grey is repeated to three channels. Transparent pixels are
    composited over black, so that whatever lies hidden under them cannot matter. Grey images of
    16 bits (Pillow modes ``I;16`` and ``I``) are divided by 65535, float images must be in [0, 1]
    already; other images have 8 bits a channel (Pillow reads 16-bit RGB as 8-bit).

    Args:
        path: The file.
        size: Side, or (height, width), of the result: antialiased bilinear, the aspect ratio is
            not kept. None leaves the image as large as it is.
        max_pixels: Larger images are refused, from their header. Pillow has a limit of its own
            (``PIL.Image.MAX_IMAGE_PIXELS``), which is left as it is and applies as well.

    Raises:
        ImageError: missing, empty, damaged, too large, not an image, values out of range.
        ValueError: ``size`` or ``max_pixels`` is not positive.
    """
    target = _height_width(size)
    return resized(_decode(Path(path), max_pixels), target).expand(3, -1, -1).contiguous()


def from_pil(
    image: Image.Image, size: int | tuple[int, int] | None = None, name: str = "image"
) -> Tensor:
    """Convert a Pillow image to a float32 tensor (3, H, W) in [0, 1], as ``read_image`` does.

    Args:
        image: of any mode.
        size: see ``read_image``.
        name: of the image, for errors.

    Raises:
        ImageError: values out of range.
    """
    array = _array(ImageOps.exif_transpose(image), Path(name))
    pixels = torch.from_numpy(array).permute(2, 0, 1)
    return resized(pixels, _height_width(size)).expand(3, -1, -1).contiguous()


def resized(image: Tensor, size: tuple[int, int] | None) -> Tensor:
    """(C, H, W) in [0, 1] -> (C, height, width), antialiased bilinear; None leaves it."""
    if size is None or size == tuple(image.shape[-2:]):
        return image
    return interpolate(image[None], size, mode="bilinear", antialias=True)[0].clamp_(0, 1)


def read_mask(
    path: str | Path, size: int | tuple[int, int] | None = None, max_pixels: int = 200_000_000
) -> Tensor:
    """Decode a mask file to a bool tensor (1, H, W): true where any channel is not zero.

    Transparent pixels count as zero. ``size`` resizes by the nearest pixel; arguments and errors
    are otherwise those of ``read_image``.
    """
    target = _height_width(size)
    mask = (_decode(Path(path), max_pixels) > 0).any(dim=0, keepdim=True)
    if target is not None and target != tuple(mask.shape[-2:]):
        mask = interpolate(mask[None].float(), target, mode="nearest-exact")[0] > 0
    return mask


def iter_images(patterns: str | Path | Iterable[str | Path]) -> Iterator[Path]:
    """Yield the image files that ``patterns`` name, in order: files, folders and globs.

    A file is yielded whatever its suffix. A folder is walked with its subfolders, one directory in
    memory at a time, names sorted, hidden ones (``.name``) left out, files told by
    ``IMAGE_EXTENSIONS``. A glob (``**`` included) yields the files with such a suffix, sorted.

    Raises:
        FileNotFoundError: at the call, if a pattern matches no image.
    """
    listed = [patterns] if isinstance(patterns, str | Path) else list(patterns)
    for pattern in listed:
        if next(_match(pattern), None) is None:
            raise FileNotFoundError(_no_match(pattern))
    return chain.from_iterable(_match(pattern) for pattern in listed)


def walk(folder: Path, extensions: Iterable[str] = IMAGE_EXTENSIONS) -> Iterator[Path]:
    """Yield the files below ``folder`` that have one of the lower-case ``extensions``, sorted."""
    return _walk(folder, frozenset(extensions), ())


def existing_folder(path: str | Path, argument: str) -> Path:
    """Return ``path`` if it is a folder.

    Raises:
        FileNotFoundError: it is not; the message suggests the near names beside it.
    """
    path = Path(path)
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "does not exist"
        raise FileNotFoundError(f"{argument}={str(path)!r} {what}{near_names(path)}")
    return path


def near_names(path: Path) -> str:
    """Return "; did you mean ...?" with what lies near a missing path, or what its parent holds."""
    known = path
    while not known.is_dir() and known != known.parent:
        known, missing = known.parent, known.name
    if known == path:
        return ""
    names = sorted(entry.name for entry in known.iterdir() if not entry.name.startswith("."))
    lowered = {name.lower(): name for name in names}
    close = [lowered[name] for name in get_close_matches(missing.lower(), lowered, n=3, cutoff=0.5)]
    if close:
        return f"; did you mean {' or '.join(repr(str(known / name)) for name in close)}?"
    held = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"; {str(known)!r} holds: {held or 'nothing'}"


def _height_width(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 1:
        raise ValueError(f"size must be positive, got {size}")
    return height, width


def _decode(path: Path, max_pixels: int) -> Tensor:
    """Return the first frame as float32 (1 or 3, H, W) in [0, 1], oriented."""
    if max_pixels < 1:
        raise ValueError(f"max_pixels must be positive, got {max_pixels}")
    if not path.is_file():
        reason = "it is a folder" if path.is_dir() else f"no such file{near_names(path)}"
        raise ImageError(path, reason)
    try:
        if path.stat().st_size == 0:
            raise ImageError(path, "the file is empty (0 bytes); restore it or remove it")
        with Image.open(path, formats=_FORMATS) as image:
            width, height = image.size
            if width * height > max_pixels:
                reason = f"{width} x {height} pixels are more than max_pixels={max_pixels:,}"
                raise ImageError(path, f"{reason}; raise max_pixels if the file can be trusted")
            array = _array(ImageOps.exif_transpose(image), path)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        reason = f"it is none of the formats {', '.join(_FORMATS)}; convert it, or leave it out"
        raise ImageError(path, reason) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        reason = f"{error}; raise PIL.Image.MAX_IMAGE_PIXELS if the file can be trusted"
        raise ImageError(path, reason) from error
    except _DECODING_ERRORS as error:
        reason = f"it is damaged or incomplete ({error}); restore it, or leave it out"
        raise ImageError(path, reason) from error
    return torch.from_numpy(array).permute(2, 0, 1)


def _array(image: Image.Image, path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return the pixels (H, W, 1 or 3) in [0, 1]."""
    key = image.info.get("transparency")
    if image.mode == "F" or image.mode.startswith("I"):
        value = np.array(image)[..., None]
        limit = 1 if image.mode == "F" else 65535
        low, high = value.min(), value.max()
        if not (low >= 0 and high <= limit):  # false for NaN too
            reason = f"its values are in [{low:g}, {high:g}], outside [0, {limit}]"
            raise ImageError(path, f"{reason}; rescale it, or save it with 8 or 16 bits")
        if isinstance(key, int):
            value = np.where(value == key, 0, value)
        return value.astype(np.float32) / np.float32(limit)
    if key is not None or image.mode in ("RGBA", "RGBa", "LA", "La", "PA"):
        rgba = np.array(image.convert("RGBA"), dtype=np.float32) / np.float32(255)
        return rgba[..., :3] * rgba[..., 3:]
    grey = image.mode in ("1", "L")
    eight = np.array(image.convert("L" if grey else "RGB"), dtype=np.float32)
    return (eight[..., None] if grey else eight) / np.float32(255)


def _match(pattern: str | Path) -> Iterator[Path]:
    path = Path(pattern)
    if path.is_dir():
        yield from walk(path)
    elif path.exists():
        yield path
    else:
        for name in sorted(glob.glob(str(pattern), recursive=True)):  # noqa: PTH207 (absolute too)
            found = Path(name)
            if found.suffix.lower() in IMAGE_EXTENSIONS and found.is_file():
                yield found


def _no_match(pattern: str | Path) -> str:
    path = Path(pattern)
    suffixes = " ".join(sorted(IMAGE_EXTENSIONS))
    if path.is_dir():
        return f"the folder {str(path)!r} holds no image (a file ending in {suffixes})"
    if glob.has_magic(str(pattern)):
        return f"the pattern {str(pattern)!r} matches no image (a file ending in {suffixes})"
    return f"no such file or folder: {str(path)!r}{near_names(path)}"


def _walk(folder: Path, extensions: frozenset[str], above: tuple[str, ...]) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in above:  # a link that leads back up
        return
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    for name in names:
        path = folder / name
        if path.is_dir():
            yield from _walk(path, extensions, (*above, real))
        elif path.suffix.lower() in extensions:
            yield path
