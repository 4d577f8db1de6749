"""MNIST from its files."""

import gzip
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from hardsight.data.labelled import LabelledImages, Part

_STEMS = {"train": "train", "test": "t10k"}
_DIGITS = tuple(str(d) for d in range(10))


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
    if part not in _STEMS:
        raise ValueError(f"part must be 'train' or 'test', got {part!r}")
    root = Path(folder)
    packed = root / f"mnist_{part}.npz"
    if packed.is_file():
        with np.load(packed, allow_pickle=False) as held:
            pixels, labels = held["images"], held["labels"]
    else:
        pixels, labels = (
            _read_idx(_find(root, f"{_STEMS[part]}-{held}-ubyte"))
            for held in ("images-idx3", "labels-idx1")
        )
    pixels = pixels.reshape(len(pixels), 1, *pixels.shape[1:3])
    return LabelledImages(
        f"MNIST {part}",
        torch.from_numpy(np.ascontiguousarray(pixels)),
        torch.from_numpy(labels.astype(np.int64)),
        _DIGITS,
    )


def _find(root: Path, name: str) -> Path:
    for place in (root, root / "MNIST" / "raw", root / "raw"):
        for path in (place / name, place / f"{name}.gz"):
            if path.is_file():
                return path
    raise FileNotFoundError(f"{root} holds neither mnist_train.npz nor {name}[.gz]")


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """Read the array of an IDX file of bytes: 0, 0, 8, dimensions, their sizes, the values."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is no IDX file of bytes")
    start = 4 + 4 * raw[3]
    shape = tuple(int(n) for n in np.frombuffer(raw[4:start], ">u4"))
    if len(raw) - start != int(np.prod(shape)):
        raise ValueError(f"{path} is cut off: {len(raw) - start} values for a shape of {shape}")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape).copy()
