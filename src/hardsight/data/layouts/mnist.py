"""MNIST from its files."""

from pathlib import Path

import numpy as np
import torch

from hardsight.data.containers.arrays import Batch, read_batch, read_idx
from hardsight.data.labelled import LabelledImages, Part

_STEMS = {"train": "train", "test": "t10k"}
DIGITS = tuple(str(d) for d in range(10))


def mnist(folder: str | Path, part: Part = "test") -> LabelledImages:
    """Read MNIST: 60,000 or 10,000 grey images of 28 x 28.

    Args:
        folder: holds ``mnist_train.npz`` and ``mnist_test.npz`` (``images`` (N, 28, 28[, 1]) uint8,
            ``labels`` (N,)), or the original files ``train-images-idx3-ubyte`` and so on, packed
            (``.gz``) or not, there or in ``MNIST/raw``.
        part: "train" or "test".

    Raises:
        FileNotFoundError: none of these.
        ValueError: a file that is damaged, or holds something else.
    """
    _, batch = mnist_batch(folder, part)
    pixels, labels = (torch.from_numpy(values.copy()) for values in batch)
    return LabelledImages(f"MNIST {part}", pixels, labels, DIGITS)


def mnist_batch(folder: str | Path, part: Part) -> tuple[Path, Batch]:
    """Return the file with the images of a part of MNIST, and what it holds; see ``mnist``."""
    if part not in _STEMS:
        raise ValueError(f"part must be 'train' or 'test', got {part!r}")
    root = Path(folder)
    packed = root / f"mnist_{part}.npz"
    if packed.is_file():
        return packed, read_batch(packed)
    images, labels = (
        _find(root, f"{_STEMS[part]}-{held}-ubyte") for held in ("images-idx3", "labels-idx1")
    )
    return images, Batch(read_batch(images).pixels, read_idx(labels).astype(np.int64))


def _find(root: Path, name: str) -> Path:
    for place in (root, root / "MNIST" / "raw", root / "raw"):
        for path in (place / name, place / f"{name}.gz"):
            if path.is_file():
                return path
    raise FileNotFoundError(f"{root} holds neither mnist_train.npz nor {name}[.gz]")
