"""Handwritten digits that come with scikit-learn: small images with classes, offline."""

from pathlib import Path

import numpy as np
import torch

from hardsight.data.containers.arrays import read_batch
from hardsight.data.labelled import LabelledImages, Part
from hardsight.data.layouts.mnist import DIGITS

TRAIN = 1400
"""Size of the training part, the first of the 1,797 images; the others are the test part."""
PARTS = {"train": slice(TRAIN), "test": slice(TRAIN, None)}


def write_digits(folder: str | Path) -> Path:
    """Write both parts of the digits, grey images of 8 x 8, as ``digits`` reads them."""
    from sklearn.datasets import load_digits  # slow: not before they are asked for

    place, found = Path(folder), load_digits()
    place.mkdir(parents=True, exist_ok=True)
    pixels = (found.images * (255 / 16)).round().astype(np.uint8)
    for part, taken in PARTS.items():
        held = {"images": pixels[taken], "labels": found.target[taken].astype(np.int64)}
        np.savez(place / f"digits_{part}.npz", **held)
    return place


def digits(folder: str | Path, part: Part = "test") -> LabelledImages:
    """Read the digits that ``write_digits`` wrote.

    Raises:
        FileNotFoundError: it wrote none there.
        ValueError: a file that is damaged.
    """
    path = Path(folder) / f"digits_{part}.npz"
    if not path.is_file():
        raise FileNotFoundError(f"{folder} holds no {path.name}")
    batch = read_batch(path)
    pixels, labels = (torch.from_numpy(values.copy()) for values in batch)
    return LabelledImages(f"Digits {part}", pixels, labels, DIGITS)
