"""Image files as no camera sends them: a corpus that a seed decides."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")


def whole(form: str, generator: np.random.Generator) -> bytes:
    """An image file of a format, of a size and mode of its own."""
    height, width = generator.integers(1, 40, 2)
    pixels = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    if form in ("PNG", "TIFF", "BMP", "GIF") and generator.random() < 0.5:
        image = image.convert(str(generator.choice(["L", "P", "1"])))
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def flipped(data: bytes, generator: np.random.Generator) -> bytes:
    """Some bytes others."""
    found = bytearray(data)
    for place in generator.integers(0, len(found), generator.integers(1, 20)):
        found[place] = generator.integers(256)
    return bytes(found)


def cut(data: bytes, generator: np.random.Generator) -> bytes:
    return data[: generator.integers(0, len(data))]


def repeated(data: bytes, generator: np.random.Generator) -> bytes:
    """A piece of it twice."""
    a, b = sorted(generator.integers(0, len(data) + 1, 2))
    return data[:b] + data[a:]


def lengthened(data: bytes, generator: np.random.Generator) -> bytes:
    """Numbers of the head as large as they can be."""
    place = int(generator.integers(4, min(len(data), 40)))
    return data[:place] + b"\xff\xff\xff\xff" + data[place + 4 :]


def headed(data: bytes, generator: np.random.Generator) -> bytes:
    """The beginning of one format, and noise."""
    return data[:12] + generator.bytes(int(generator.integers(0, 400)))


BREAKS = (flipped, cut, repeated, lengthened, headed)


def broken_images(count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield files, of every format and break in turn; a few are still images."""
    generator = np.random.default_rng(seed)
    for i in range(count):
        data = whole(FORMATS[i % len(FORMATS)], generator)
        yield BREAKS[i % len(BREAKS)](data, generator)
