"""Images as clients send them."""

import io
from pathlib import Path

import numpy as np
from PIL import Image


def png(seed: int = 0, side: int = 16, spot: bool = False) -> bytes:
    """A noisy grey square of its own, as a PNG file; a white spot makes it anomalous."""
    pixels = np.random.default_rng(seed).integers(90, 130, (side, side, 3), dtype=np.uint8)
    if spot:
        pixels[side // 4 : side // 2, side // 4 : side // 2] = 255
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def files(*images: bytes):
    """A form of images, for the client."""
    return [("images", (f"{i}.png", data, "image/png")) for i, data in enumerate(images)]


def saved(folder: Path, images: list[bytes]) -> list[Path]:
    """The images as files."""
    paths = [folder / f"{i}.png" for i in range(len(images))]
    for path, data in zip(paths, images, strict=True):
        path.write_bytes(data)
    return paths
