"""Images in the files of MNIST and CIFAR-10: arrays, a number for a name."""

import gzip
import pickle
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hardsight.data.containers.container import Container, position, remembered

_NAMES = re.compile(r".+\.npz|.+-idx3-ubyte(\.gz)?|(data_batch_[1-5]|test_batch)(\.bin)?")

_DAMAGED = (
    EOFError, zlib.error, zipfile.BadZipFile, pickle.UnpicklingError, KeyError, IndexError,
    AttributeError, TypeError,
)  # fmt: skip
"""What readers raise beside ``OSError`` and ``ValueError``."""


class Batch(NamedTuple):
    """The images of one file."""

    pixels: NDArray[np.uint8]
    """(N, C, H, W)."""
    labels: NDArray[np.int64]
    """(N,); empty where another file holds them."""


@remembered(6)
def read_batch(file: Path) -> Batch:
    """Read the images of one file of MNIST or CIFAR-10.

    ``.npz`` with ``images`` (N, H, W[, C]) and ``labels``, IDX (``.gz`` or not), or a batch of the
    binary or the Python version of CIFAR-10, of which nothing that a pickle may ask for is run.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, or holds something else.
    """
    if file.suffix == ".npz":
        with _explained(file), np.load(file, allow_pickle=False) as held:
            pixels, labels = held["images"], held["labels"].astype(np.int64)
        channels_last = pixels[..., None] if pixels.ndim == 3 else pixels
        return Batch(np.ascontiguousarray(channels_last.transpose(0, 3, 1, 2)), labels)
    if "-idx3-" in file.name:
        return Batch(read_idx(file)[:, None], np.zeros(0, np.int64))
    return _binary(file) if file.suffix == ".bin" else _pickled(file)


def read_idx(file: Path) -> NDArray[np.uint8]:
    """Read the array of an IDX file of bytes: 0, 0, 8, dimensions, their sizes, the values.

    Raises:
        ValueError: it is none, or cut off.
    """
    with _explained(file):
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise ValueError(f"{file} is no IDX file of bytes")
    start = 4 + 4 * raw[3]
    shape = tuple(int(n) for n in np.frombuffer(raw[4:start], ">u4"))
    if len(raw) - start != int(np.prod(shape)):
        raise ValueError(f"{file} is cut off: {len(raw) - start} values for a shape of {shape}")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape).copy()


def _image(file: Path, name: str) -> Image.Image:
    pixels = read_batch(file).pixels
    one = pixels[position(name, len(pixels), file)]
    return Image.fromarray(one[0] if len(one) == 1 else one.transpose(1, 2, 0))


def _binary(file: Path) -> Batch:
    """Read rows of one byte of label and 3 x 32 x 32 of pixels."""
    raw = np.fromfile(file, np.uint8)
    if len(raw) == 0 or len(raw) % 3073:
        raise ValueError(f"{file} is no CIFAR-10 batch: its size is no multiple of 3073 bytes")
    rows = raw.reshape(-1, 3073)
    return Batch(rows[:, 1:].reshape(-1, 3, 32, 32).copy(), rows[:, 0].astype(np.int64))


class _ArraysOnly(pickle.Unpickler):
    """Builds numpy arrays and plain values; anything else a pickle asks for is refused."""

    ALLOWED = ("_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer")

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name in self.ALLOWED:
            return super().find_class(module, name)
        raise ValueError(f"a CIFAR-10 batch must not ask for {module}.{name}; the file was refused")


def _pickled(file: Path) -> Batch:
    """Read a batch of the Python version: a dictionary with b"data" and b"labels"."""
    with _explained(file), file.open("rb") as opened:
        held = _ArraysOnly(opened, encoding="bytes").load()
        pixels, labels = held[b"data"], held[b"labels"]
        return Batch(pixels.reshape(-1, 3, 32, 32).copy(), np.asarray(labels, np.int64))


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """Turn what the formats' readers raise of damaged files into a ``ValueError`` that names it."""
    try:
        yield
    except _DAMAGED as error:
        why = f"{type(error).__name__}: {error}"
        raise ValueError(f"{file} is damaged, or holds something else ({why})") from error


ARRAYS = Container("arrays", lambda file: _NAMES.fullmatch(file.name) is not None, _image)
