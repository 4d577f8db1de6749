"""Opening image files: told by content, limited in size, whatever fails an ``ImageError``."""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from hardsight.core.near import near_names
from hardsight.data.containers import inside
from hardsight.data.containers.container import MAX_PIXELS
from hardsight.data.files import FORMATS

DECODING_ERRORS = (
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
"""What decoders raise on damaged files."""


class ImageError(ValueError):
    """An image file that cannot be used: ``path`` names it, ``reason`` says why and the way out."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot use image {self.path}: {self.reason}"


class FormatError(ImageError):
    """A file whose content Pillow does not recognise."""


@contextmanager
def opened(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Open an image file, or an image in one of several (see ``containers``).

    What fails while it is read becomes an ``ImageError``.

    Raises:
        FormatError: Pillow does not recognise the content.
        ImageError: missing, empty, damaged or too large.
        ValueError: ``max_pixels`` is not positive.
    """
    if max_pixels < 1:
        raise ValueError(f"max_pixels must be positive, got {max_pixels}")
    with _explained(path):
        held = inside(path)
        if held is None and not path.is_file():
            reason = "it is a folder" if path.is_dir() else f"no such file{near_names(path)}"
            raise ImageError(path, reason)
        if held is None and path.stat().st_size == 0:
            raise ImageError(path, "the file is empty (0 bytes); restore it or remove it")
        with held.image() if held else _opened_file(path) as image:
            demand_pixels(path, *image.size, max_pixels)
            yield image


@contextmanager
def opened_bytes(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Open an image file that is in memory, as ``opened`` does one on disk.

    Raises:
        FormatError: Pillow does not recognise the content.
        ImageError: empty, damaged or too large; its path is ``name``.
    """
    path = Path(name)
    with _explained(path):
        if not data:
            raise ImageError(path, "it is empty (0 bytes); send the file's content")
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            demand_pixels(path, *image.size, max_pixels)
            yield image


@contextmanager
def _opened_file(path: Path) -> Iterator[Image.Image]:
    """Open an image file by its bytes.

    By its name Pillow would map grey pixels that are not compressed, and garble those of a TIFF
    whose orientation lays it on its side.
    """
    with path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
        yield image


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what decoders raise into an ``ImageError``."""
    try:
        yield
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        reason = f"it is none of the formats {', '.join(FORMATS)}; convert it, or leave it out"
        raise FormatError(path, reason) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        reason = (
            f"{str(error).rstrip('.')}; shrink it, or cut it into tiles (in Python raise "
            "PIL.Image.MAX_IMAGE_PIXELS if the file can be trusted)"
        )
        raise ImageError(path, reason) from error
    except DECODING_ERRORS as error:
        refused = error.strerror if isinstance(error, OSError) else None  # by the system
        what = f"cannot be read ({refused})" if refused else f"is damaged or incomplete ({error})"
        reason = f"it {what}; restore it, or leave it out"
        raise ImageError(path, reason) from error


def demand_pixels(path: Path, width: int, height: int, max_pixels: int) -> None:
    """Refuse an image of more than so many pixels.

    Raises:
        ImageError: it has more.
    """
    if width * height > max_pixels:
        reason = f"{width} x {height} pixels are more than max_pixels={max_pixels:,}"
        raise ImageError(path, f"{reason}; raise max_pixels if the file can be trusted")
