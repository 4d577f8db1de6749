"""How images are decoded for a detector."""

from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image
from torch import Tensor

from hardsight.data.containers.container import MAX_PIXELS
from hardsight.data.images import (
    Aspect,
    Window,
    decode_image,
    from_pil,
    geometry,
    read_image,
    resized,
    shown,
    window,
)
from hardsight.data.opening import opened_bytes


@dataclass(frozen=True)
class Decoding:
    """The shape and depth in which a detector takes images, see ``read_image``."""

    size: tuple[int, int]
    """Height and width."""
    bits: int | None = None
    """Depth of grey images in files of 16 bits; None: all of it."""
    aspect: Aspect = "stretch"

    def at(self, bits: int | None) -> "Decoding":
        """Return it with another depth; None: with its own."""
        return self if bits is None else replace(self, bits=bits)

    def window(self, height: int, width: int) -> Window | None:
        """Return where an image of this shape lies among its repeated pixels; None: without any."""
        return window((height, width), self.size, self.aspect)

    def window_of(self, path: Path) -> Window | None:
        """Return where the image of a file lies among its repeated pixels; None: without any.

        Raises:
            ImageError: as ``read_image``.
        """
        if self.aspect == "stretch":
            return None
        height, width = geometry(path)[:2]
        return self.window(height, width)

    def window_in(self, data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Window | None:
        """Return where the image of a file's bytes lies among its repeated pixels.

        Raises:
            ImageError: as ``decode_image``, under this name.
        """
        if self.aspect == "stretch":
            return None
        with opened_bytes(data, name, max_pixels) as image:
            height, width = shown(image)[:2]
        return self.window(height, width)

    def file(self, path: Path) -> Tensor:
        """Decode a file to float32 (3, H, W) in [0, 1].

        Raises:
            ImageError: as ``read_image``.
        """
        return read_image(path, self.size, bits=self.bits, aspect=self.aspect)

    def content(self, data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Tensor:
        """Decode the bytes of a file to float32 (3, H, W) in [0, 1].

        Raises:
            ImageError: as ``decode_image``, under this name.
        """
        return decode_image(data, self.size, name, max_pixels, self.bits, self.aspect)

    def picture(self, image: Image.Image, name: str) -> Tensor:
        """Convert a Pillow image to float32 (3, H, W) in [0, 1].

        Raises:
            ImageError: as ``from_pil``, under this name.
        """
        return from_pil(image, self.size, name, self.bits, self.aspect)

    def pixels(self, image: Tensor) -> Tensor:
        """Resize float32 (3, H, W) in [0, 1]."""
        return resized(image, self.size, self.aspect).contiguous()
