"""Images inside a file are read, hashed and refused like files of their own."""

import gzip
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hardsight.data import ImageError, Manifest, cifar10, load, read_image
from hardsight.data.containers import content_sha256, inside
from hardsight.data.containers.arrays import read_batch
from hardsight.data.opening import opened
from trees import cifar10_tar, mnist, mvtec


def test_a_path_inside_a_file_is_told_from_others(tmp_path: Path) -> None:
    file = cifar10_tar(tmp_path / "c.tar")
    held = inside(file / "cifar10/test/cat/0001.jpg")
    assert held is not None
    assert (held.container.name, held.file, held.name) == ("tar", file, "cifar10/test/cat/0001.jpg")
    for path in (file, tmp_path, tmp_path / "none.png", tmp_path / "none" / "a.png"):
        assert inside(path) is None


def test_a_member_of_a_tar_file_is_the_file_that_was_packed(tmp_path: Path) -> None:
    file = cifar10_tar(tmp_path / "c.tar")
    packed = io.BytesIO()
    Image.fromarray(np.full((32, 32, 3), 20 * 3 + 1, np.uint8)).save(packed, "JPEG")
    (tmp_path / "a.jpg").write_bytes(packed.getvalue())
    inner = file / "cifar10/test/cat/0001.jpg"
    assert torch.equal(read_image(inner), read_image(tmp_path / "a.jpg"))
    with opened(inner) as image:
        assert image.format == "JPEG"
    with pytest.raises(ImageError, match=r"c.tar holds no file 'cifar10/test/cat/9.jpg'"):
        read_image(file / "cifar10/test/cat/9.jpg")
    with pytest.raises(ImageError, match="more than max_pixels=1,000"):
        read_image(inner, max_pixels=1000)
    (tmp_path / "no.tar").write_bytes(b"nothing")
    with pytest.raises(ImageError, match=r"no uncompressed tar file .*unpack it"):
        read_image(tmp_path / "no.tar" / "a.jpg")


def test_a_tar_file_may_begin_its_names_with_the_folder_it_was_packed_in(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    with tarfile.open(cifar10_tar(tmp_path / "c.tar")) as archive:
        archive.extractall(tree, filter="data")
    with tarfile.open(tmp_path / "here.tar", "w") as archive:
        archive.add(tree, ".")  # as "tar -cf here.tar ." does
        assert archive.getnames()[1].startswith("./")
    packed, whole = (cifar10(tmp_path / name, "test") for name in ("here.tar", "c.tar"))
    assert torch.equal(packed.images, whole.images)


def test_what_is_remembered_of_a_file_is_forgotten_when_it_changes(tmp_path: Path) -> None:
    for value in (10, 200):
        pixels = np.full((3, 28, 28), value, np.uint8)
        np.savez(tmp_path / "mnist_test.npz", images=pixels[:value], labels=np.zeros(3, int))
        (tmp_path / "mnist_test.npz").touch()
        shown = read_image(tmp_path / "mnist_test.npz" / "00002")
        assert shown.mul(255).round().unique().tolist() == [value]
    with pytest.raises(ImageError, match="holds images 0 to 2, and none named '00003'"):
        read_image(tmp_path / "mnist_test.npz" / "00003")


def test_hashes_are_of_the_pixels_alone(tmp_path: Path) -> None:
    place = mnist(tmp_path)
    for name in ("mnist_train.npz", "mnist_test.npz"):
        hashes = [content_sha256(place / name / f"{i:05}") for i in (0, 10, 1)]
        assert hashes[0] == hashes[1] != hashes[2]
    data = load(place, "3", size=8)
    manifest = Manifest.of(data)
    assert len(manifest.entries) == 6 + 20
    assert {entry.path.split("/")[0] for entry in manifest.entries if entry.role == "test"} == {
        "mnist_test.npz"
    }
    assert len(manifest.copies()) == 1 + 2  # all images of a digit are equal here


def test_files_of_their_own_are_hashed_as_before(tmp_path: Path) -> None:
    top = mvtec(tmp_path)
    hashes = {entry.sha256 for entry in Manifest.of(load(top, size=8)).entries}
    assert hashes == {content_sha256(top / "train" / "good" / "000.png")}


def test_a_damaged_file_of_arrays_is_named(tmp_path):
    np.savez(tmp_path / "whole.npz", images=np.zeros((2, 8, 8), np.uint8), labels=np.zeros(2))
    whole = (tmp_path / "whole.npz").read_bytes()
    packed = gzip.compress(bytes(1000))
    batch = pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"labels": [0]})
    damaged = {
        "mnist_test.npz": whole[: len(whole) // 2],
        "mnist_train.npz": _npz_without_images(tmp_path),
        "t10k-images-idx3-ubyte.gz": packed[: len(packed) // 2],
        "train-images-idx3-ubyte.gz": packed[:-12] + bytes(12),
        "data_batch_1": batch[: len(batch) // 2],
        "data_batch_2": pickle.dumps({b"data": [0]}),
        "data_batch_3": pickle.dumps([1, 2]),
    }
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises((ValueError, OSError), match=r".") as told:
            read_batch(tmp_path / name)
        assert isinstance(told.value, OSError) or name in str(told.value)


def _npz_without_images(folder) -> bytes:
    np.savez(folder / "other.npz", x=np.zeros(1))
    return (folder / "other.npz").read_bytes()
