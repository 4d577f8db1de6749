"""CIFAR-10 and CIFAR-10-C from their files."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from hardsight.data.containers.archives import members
from hardsight.data.containers.arrays import read_batch
from hardsight.data.files import worker_threads
from hardsight.data.labelled import LabelledImages, Part
from hardsight.data.opening import opened
from hardsight.data.splits import evenly

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
LOSSY = "lossy JPEG copies of CIFAR-10: not comparable to the digit with published figures"
_JPEG_TAR = "cifar10_jpeg.tar"
_ENDINGS = (".bin", "")
"""Endings of the files of the binary and the Python version."""


def cifar10(path: str | Path, part: Part = "test", limit: int | None = None) -> LabelledImages:
    """Read CIFAR-10: 50,000 or 10,000 colour images of 32 x 32.

    Args:
        path: the binary version's ``cifar-10-batches-bin``, the Python version's
            ``cifar-10-batches-py`` (read without running anything a pickle may ask for), a folder
            or ``.tar`` of ``{train,test}/<class>/*.jpg`` (or png), or a folder that holds one of
            these. JPEG images are lossy copies: the result's ``note`` says so.
        part: "train" or "test".
        limit: read so many images, evenly over classes and positions; None: all.

    Raises:
        FileNotFoundError: none of these.
        ValueError: a file that is damaged, or holds something else.
    """
    root = _place(Path(path), part)
    name = f"CIFAR-10 {part}"
    if _is_batches(root):
        batches = [read_batch(file) for file in _batches(root, part)]
        pixels, labels = (np.concatenate(values) for values in zip(*batches, strict=True))
        whole = LabelledImages(name, torch.from_numpy(pixels), torch.from_numpy(labels), CLASSES)
        return whole.limited(limit)
    found: list[list[Path]] = [[] for _ in CLASSES]
    for one, k in cifar10_paths(root, part):
        found[k].append(one)
    chosen = [(one, k) for k, paths in enumerate(found) for one in _evenly(paths, limit, k)]
    with worker_threads() as pool:
        pixels = np.stack(list(pool.map(_pixels, [one for one, _ in chosen])))
    return LabelledImages(
        name,
        torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()),
        torch.tensor([k for _, k in chosen]),
        CLASSES,
        lossy(chosen[0][0]),
    )


def cifar10_paths(path: str | Path, part: Part) -> list[tuple[Path, int]]:
    """Return the path and the class of every image of a part of CIFAR-10, by class and name.

    Images in a tar file or a batch have paths inside it, see ``hardsight.data.containers``.
    Arguments and errors are those of ``cifar10``.
    """
    root = _place(Path(path), part)
    if _is_batches(root):
        pairs = [
            (file / f"{i:05}", int(k))
            for file in _batches(root, part)
            for i, k in enumerate(read_batch(file).labels)
        ]
        return sorted(pairs, key=lambda pair: pair[1])
    if root.is_file():
        names = [Path(name) for name in members(root)]
        inside = [name for name in names if part in name.parts[:-2] and name.parts[-2] in CLASSES]
        paths = [root / name for name in inside]
    else:
        paths = [one for c in CLASSES for one in sorted((root / part / c).iterdir())]
    pairs = [(one, CLASSES.index(one.parent.name)) for one in paths]
    if len({k for _, k in pairs}) < len(CLASSES):
        raise ValueError(f"{root} holds no {part}/<class>/ images of all ten classes")
    return sorted(pairs, key=lambda pair: (pair[1], pair[0]))


def lossy(path: Path) -> str:
    """Return what a result on an image must say: ``LOSSY`` of a JPEG file, nothing of others."""
    with opened(path) as image:
        return LOSSY if image.format == "JPEG" else ""


def cifar10c(folder: str | Path, corruption: str, severity: int) -> LabelledImages:
    """Read one corruption of CIFAR-10-C (Hendrycks & Dietterich, 2019), 10,000 images.

    Args:
        folder: of its published files, ``<corruption>.npy`` and ``labels.npy``.
        corruption: e.g. "gaussian_noise"; a key of ``synthesis.CORRUPTIONS``.
        severity: 1 to 5.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a severity outside 1..5.
    """
    if severity not in range(1, 6):
        raise ValueError(f"severity must be in 1..5, got {severity}")
    root = Path(folder)
    for path in (root / f"{corruption}.npy", root / "labels.npy"):
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing; unpack CIFAR-10-C there")
    pixels = np.load(root / f"{corruption}.npy", mmap_mode="r", allow_pickle=False)
    n = len(pixels) // 5
    rows = slice(n * (severity - 1), n * severity)
    labels = np.load(root / "labels.npy", allow_pickle=False)[rows].astype(np.int64)
    return LabelledImages(
        f"CIFAR-10-C {corruption} {severity}",
        torch.from_numpy(np.ascontiguousarray(pixels[rows].transpose(0, 3, 1, 2))),
        torch.from_numpy(labels),
        CLASSES,
    )


def _place(path: Path, part: Part) -> Path:
    """Find the folder or tar file that holds the images."""
    if part not in ("train", "test"):
        raise ValueError(f"part must be 'train' or 'test', got {part!r}")
    if path.is_file():
        return path
    inside = ("", "cifar-10-batches-bin", "cifar-10-batches-py", "cifar10", _JPEG_TAR)
    marks = ("data_batch_1.bin", "data_batch_1", f"test/{CLASSES[0]}", f"train/{CLASSES[0]}")
    for root in (path / name for name in inside):
        if root.is_file() or any((root / mark).exists() for mark in marks):
            return root
    raise FileNotFoundError(
        f"{path} holds no CIFAR-10: neither cifar-10-batches-bin, nor cifar-10-batches-py, nor "
        f"{{train,test}}/<class>/, nor {_JPEG_TAR}"
    )


def _evenly(found: list[Path], limit: int | None, k: int) -> list[Path]:
    """Return class k's share of the limit, evenly spread."""
    if limit is None:
        return found
    n = len(CLASSES)
    share = limit * (k + 1) // n - limit * k // n
    return [found[i] for i in evenly(np.arange(len(found)), share)]


def _pixels(path: Path) -> NDArray[np.uint8]:
    with opened(path) as image:
        return np.asarray(image.convert("RGB"))


def _is_batches(root: Path) -> bool:
    return any((root / f"data_batch_1{ending}").is_file() for ending in _ENDINGS)


def _batches(root: Path, part: Part) -> list[Path]:
    """Return the files of a part, of the binary or the Python version."""
    names = [f"data_batch_{i}" for i in range(1, 6)] if part == "train" else ["test_batch"]
    ending = next(e for e in _ENDINGS if (root / f"data_batch_1{e}").is_file())
    return [root / f"{name}{ending}" for name in names]
