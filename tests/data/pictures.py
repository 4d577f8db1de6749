"""Pixels, and files of them."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

RGB = np.random.default_rng(0).integers(0, 256, (12, 17, 3), dtype=np.uint8)
GREY = RGB[..., 0]

SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}
"""EXIF 2.3, tag 274: the visual side of the stored row 0, and of the stored column 0."""


def save(path: Path, array: np.ndarray, **options: object) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def chw(array: np.ndarray) -> torch.Tensor:
    array = array if array.ndim == 3 else np.repeat(array[..., None], 3, 2)
    return torch.from_numpy(array.astype(np.float64)).permute(2, 0, 1).float()
