"""CIFAR-10 and CIFAR-10-C from their files."""

import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from hardsight.data.labelled import LabelledImages, Part
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
    if part not in ("train", "test"):
        raise ValueError(f"part must be 'train' or 'test', got {part!r}")
    root = _place(Path(path))
    if root.is_file():
        return _from_tar(root, part, limit)
    if (root / part / CLASSES[0]).is_dir():
        files = {c: sorted((root / part / c).iterdir()) for c in CLASSES}
        chosen = {c: _evenly(found, limit, k) for k, (c, found) in enumerate(files.items())}
        pairs = [(p.read_bytes(), k) for k, c in enumerate(CLASSES) for p in chosen[c]]
        return _decoded(part, pairs, LOSSY if pairs and pairs[0][0][:2] == b"\xff\xd8" else "")
    names = [f"data_batch_{i}" for i in range(1, 6)] if part == "train" else ["test_batch"]
    binary = (root / f"{names[0]}.bin").is_file()
    parts = [_binary(root / f"{n}.bin") if binary else _pickled(root / n) for n in names]
    pixels, labels = (np.concatenate(values) for values in zip(*parts, strict=True))
    whole = LabelledImages(
        f"CIFAR-10 {part}", torch.from_numpy(pixels), torch.from_numpy(labels), CLASSES
    )
    return whole.limited(limit)


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


def _place(path: Path) -> Path:
    """Find the folder or tar file that holds the images."""
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


def _evenly(found: list[Any], limit: int | None, k: int) -> list[Any]:
    """Return class k's share of the limit, evenly spread."""
    if limit is None:
        return found
    n = len(CLASSES)
    share = limit * (k + 1) // n - limit * k // n
    return [found[i] for i in evenly(np.arange(len(found)), share)]


def _from_tar(path: Path, part: str, limit: int | None) -> LabelledImages:
    with tarfile.open(path) as archive:
        found: dict[str, list[tarfile.TarInfo]] = {c: [] for c in CLASSES}
        for member in archive:
            place = Path(member.name).parts
            if member.isfile() and part in place[:-2] and place[-2] in found:
                found[place[-2]].append(member)
        if not all(found.values()):
            raise ValueError(f"{path} holds no {part}/<class>/ images of all ten classes")
        chosen = [
            (member, k)
            for k, c in enumerate(CLASSES)
            for member in _evenly(sorted(found[c], key=lambda m: m.name), limit, k)
        ]
        by_place = sorted(range(len(chosen)), key=lambda i: chosen[i][0].offset)
        raw = {i: _extracted(archive, chosen[i][0]) for i in by_place}
    return _decoded(part, [(raw[i], k) for i, (_, k) in enumerate(chosen)], LOSSY)


def _extracted(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    if file is None:
        raise ValueError(f"{member.name} cannot be read from {archive.name!r}")
    return file.read()


def _decoded(part: str, pairs: list[tuple[bytes, int]], note: str) -> LabelledImages:
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(raw)).convert("RGB")) for raw, _ in pairs])
    return LabelledImages(
        f"CIFAR-10 {part}",
        torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()),
        torch.tensor([k for _, k in pairs]),
        CLASSES,
        note,
    )


_Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]


def _binary(path: Path) -> _Batch:
    """Read rows of one byte of label and 3 x 32 x 32 of pixels."""
    raw = np.fromfile(path, np.uint8)
    if len(raw) == 0 or len(raw) % 3073:
        raise ValueError(f"{path} is no CIFAR-10 batch: its size is no multiple of 3073 bytes")
    rows = raw.reshape(-1, 3073)
    return rows[:, 1:].reshape(-1, 3, 32, 32).copy(), rows[:, 0].astype(np.int64)


class _ArraysOnly(pickle.Unpickler):
    """Builds numpy arrays and plain values; anything else a pickle asks for is refused."""

    ALLOWED = ("_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer")

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name in self.ALLOWED:
            return super().find_class(module, name)
        raise ValueError(f"a CIFAR-10 batch must not ask for {module}.{name}; the file was refused")


def _pickled(path: Path) -> _Batch:
    """Read a batch of the Python version: a dictionary with b"data" and b"labels"."""
    with path.open("rb") as file:
        held = _ArraysOnly(file, encoding="bytes").load()
    return held[b"data"].reshape(-1, 3, 32, 32).copy(), np.asarray(held[b"labels"], np.int64)
