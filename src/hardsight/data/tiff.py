"""What Pillow leaves of TIFF files: float values but grey of 32 bits, and 0 as white above 8.

Of grey of 16 bits whose 0 is white Pillow opens what is little-endian alone. Here its table gets
what is big-endian as well, as it has it of grey whose 0 is black.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from hardsight.data.opening import DECODING_ERRORS, FormatError, ImageError, demand_pixels

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_LAYOUTS = {"YX", "YXS", "SYX"}
"""tifffile's names of the axes of grey pixels, and of colours pixel by pixel or apart."""
_ZERO_IS_WHITE = 0
"""PhotometricInterpretation, tag 262, of grey that is brightest where its values are least."""

TiffImagePlugin.OPEN_INFO.setdefault(
    (TiffImagePlugin.MM, _ZERO_IS_WHITE, (1,), 1, (16,), ()), ("I;16B", "I;16B")
)


def zero_is_white(image: Image.Image) -> bool:
    """Tell whether an opened image has 0 as white; up to 8 bits Pillow turns the values round."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or image.mode in ("1", "L"):
        return False
    return bool(image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == _ZERO_IS_WHITE)


def read_float_tiff(path: Path, max_pixels: int) -> NDArray[np.float32]:
    """Decode a TIFF of float values, grey or RGB, to (H, W, 1 or 3), unscaled.

    Raises:
        FormatError: no TIFF.
        ImageError: a TIFF of other values, too large, turned by a tag, or damaged.
    """
    with path.open("rb") as file:
        if file.read(4) not in _MAGIC:
            raise FormatError(path, "it is no TIFF")
    import tifffile  # not needed for other images

    try:
        with tifffile.TiffFile(path) as opened:
            page = opened.pages.first.aspage()
            held = f"{page.dtype} values of shape {page.shape}"
            upright = "Orientation" not in page.tags or page.tags["Orientation"].value == 1
            colours = page.samplesperpixel in (1, 3)
            known = page.dtype is not None and page.dtype.kind == "f" and page.axes in _LAYOUTS
            known = known and page.photometric != _ZERO_IS_WHITE
            if not (known and colours and upright):
                reason = "are not read" if upright else "are turned by its orientation tag"
                raise ImageError(
                    path, f"it is a TIFF whose {held} {reason}; save it upright with 8 or 16 bits"
                )
            demand_pixels(path, page.imagewidth, page.imagelength, max_pixels)
            pixels = page.asarray().astype(np.float32)
    except ImageError:
        raise
    except (*DECODING_ERRORS, RuntimeError) as error:  # the latter of imagecodecs, where it is
        reason = f"it is a TIFF that cannot be decoded ({error}); save it with 8 or 16 bits"
        raise ImageError(path, reason) from error
    if page.axes == "SYX":
        pixels = np.moveaxis(pixels, 0, 2)
    return np.ascontiguousarray(pixels.reshape(*pixels.shape[:2], -1))
