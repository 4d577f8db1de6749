"""MNIST and CIFAR-10 in every layout they come in."""

import gzip
import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hardsight.data.labelled import LabelledImages
from hardsight.data.layouts.cifar10 import CLASSES, LOSSY, cifar10, cifar10c
from hardsight.data.layouts.mnist import mnist

RNG = np.random.default_rng(0)
SHARED = Path(os.environ.get("HARDSIGHT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def test_mnist_as_idx_packed_or_not_and_as_npz(tmp_path):
    pixels = RNG.integers(0, 256, (7, 28, 28), dtype=np.uint8)
    labels = RNG.integers(0, 10, 7, dtype=np.uint8)
    idx = {
        "t10k-images-idx3-ubyte": b"\0\0\x08\x03"
        + np.array(pixels.shape, ">u4").tobytes()
        + pixels.tobytes(),
        "t10k-labels-idx1-ubyte": b"\0\0\x08\x01"
        + np.array([7], ">u4").tobytes()
        + labels.tobytes(),
    }
    plain, packed, npz = (tmp_path / n for n in ("plain", "packed/MNIST/raw", "npz"))
    for folder in (plain, packed, npz):
        folder.mkdir(parents=True)
    for name, raw in idx.items():
        (plain / name).write_bytes(raw)
        (packed / f"{name}.gz").write_bytes(gzip.compress(raw))
    np.savez(npz / "mnist_test.npz", images=pixels[..., None], labels=labels)
    for folder in (plain, tmp_path / "packed", npz):
        found = mnist(folder, "test")
        assert np.array_equal(found.images[:, 0].numpy(), pixels)
        assert found.labels.tolist() == labels.tolist()
    (plain / "t10k-images-idx3-ubyte").write_bytes(idx["t10k-images-idx3-ubyte"][:-1])
    with pytest.raises(ValueError, match="cut off"):
        mnist(plain, "test")
    with pytest.raises(FileNotFoundError, match="train-images"):
        mnist(plain, "train")


def cifar(n=20):
    pixels = RNG.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8)
    return pixels, np.arange(n) % 10


def test_cifar10_binary_and_python(tmp_path):
    pixels, labels = cifar()
    binary, python = tmp_path / "cifar-10-batches-bin", tmp_path / "py" / "cifar-10-batches-py"
    for folder in (binary, python):
        folder.mkdir(parents=True)
    rows = np.concatenate([labels[:, None].astype(np.uint8), pixels.reshape(20, -1)], 1)
    held = {b"data": pixels.reshape(20, -1), b"labels": labels.tolist()}
    for i in range(1, 6):
        part = slice(4 * (i - 1), 4 * i)
        rows[part].tofile(binary / f"data_batch_{i}.bin")
        piece = {k: v[part] for k, v in held.items()}
        (python / f"data_batch_{i}").write_bytes(pickle.dumps(piece))
    for path in (tmp_path, binary, tmp_path / "py"):
        found = cifar10(path, "train")
        assert np.array_equal(found.images.numpy(), pixels)
        assert found.labels.tolist() == labels.tolist()
        assert not found.note
    assert cifar10(binary, "train", limit=10).labels.tolist() == list(range(10))
    (binary / "test_batch.bin").write_bytes(b"123")
    with pytest.raises(ValueError, match="3073"):
        cifar10(binary, "test")


def test_a_pickle_that_asks_for_more_is_refused(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"")
    (tmp_path / "test_batch").write_bytes(pickle.dumps({b"data": Path("x")}))
    with pytest.raises(ValueError, match="must not ask for pathlib"):
        cifar10(tmp_path, "test")


def test_cifar10_as_a_tree_and_as_a_tar(tmp_path):
    kept = {}
    with tarfile.open(tmp_path / "cifar10_jpeg.tar", "w") as archive:
        for c in CLASSES:
            for i in range(3):
                out = io.BytesIO()
                shade = np.full((32, 32, 3), RNG.integers(0, 256), np.uint8)
                Image.fromarray(shade).save(out, "JPEG")
                name = f"cifar10/test/{c}/{i:04d}.jpg"
                kept[name] = int(shade[0, 0, 0])
                info = tarfile.TarInfo(name)
                info.size = out.tell()
                archive.addfile(info, io.BytesIO(out.getvalue()))
                path = tmp_path / "tree" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(out.getvalue())
    whole = cifar10(tmp_path, "test")
    assert whole.note == LOSSY
    assert len(whole) == 30
    assert torch.equal(cifar10(tmp_path / "tree", "test").images, whole.images)
    assert whole.labels.tolist() == [k for k in range(10) for _ in range(3)]
    shades = list(kept.values())
    assert (whole.images[:, 0, 0, 0].int() - torch.tensor(shades)).abs().max() <= 3
    few = cifar10(tmp_path, "test", limit=10)
    assert few.labels.tolist() == list(range(10))
    assert torch.equal(few.images, whole.images[1::3])  # the middle ones
    with pytest.raises(ValueError, match="no train"):
        cifar10(tmp_path, "train")
    with pytest.raises(FileNotFoundError, match="no CIFAR-10"):
        cifar10(tmp_path / "tree" / "cifar10" / "test")


def test_cifar10c(tmp_path):
    pixels = RNG.integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
    np.save(tmp_path / "fog.npy", pixels)
    np.save(tmp_path / "labels.npy", np.tile(np.arange(10), 5))
    found = cifar10c(tmp_path, "fog", 3)
    assert np.array_equal(found.images.numpy(), pixels[20:30].transpose(0, 3, 1, 2))
    assert found.labels.tolist() == list(range(10))
    with pytest.raises(FileNotFoundError, match=r"snow\.npy"):
        cifar10c(tmp_path, "snow", 1)


def test_limits_and_splits():
    pixels, labels = cifar(100)
    data = LabelledImages("x", torch.from_numpy(pixels), torch.from_numpy(labels), CLASSES)
    few = data.limited(25)
    assert len(few) == 25
    counts = torch.bincount(few.labels)
    assert int(counts.min()) >= 2
    assert int(counts.max()) <= 3
    kept, held = data.split(0.2, seed=3)
    assert (len(kept), len(held)) == (80, 20)
    both = {t.numpy().tobytes() for t in torch.cat([kept.images, held.images])}
    assert len(both) == 100
    assert data.split(0.2, seed=3)[1].sha256 == held.sha256 != data.split(0.2)[1].sha256
    with pytest.raises(ValueError, match=r"labels must be in 0\.\.9"):
        LabelledImages("x", data.images, data.labels + 5, CLASSES)


@pytest.mark.skipif(not (SHARED / "mnist_test.npz").is_file(), reason="no MNIST files found")
def test_the_real_mnist():
    found = mnist(SHARED, "test")
    assert found.images.shape == (10_000, 1, 28, 28)
    assert torch.bincount(found.labels)[1] == 1135
