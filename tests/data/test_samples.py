import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hardsight.data import AnomalyData, ImageError, ImageSet, Sample, read_image, split_validation


def write(path: Path, value: int, side: int = 20) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(value)
    Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(path)
    return path


def write_mask(path: Path) -> Path:
    array = np.zeros((20, 20), np.uint8)
    array[5:10, 5:15] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
    return path


def some(tmp_path: Path, masked: bool = True) -> list[Sample]:
    mask = write_mask(tmp_path / "masks" / "2.png") if masked else None
    return [
        Sample(write(tmp_path / "good" / "0.png", 0), anomalous=False),
        Sample(write(tmp_path / "good" / "1.png", 1), anomalous=False),
        Sample(write(tmp_path / "bad" / "2.png", 2), anomalous=True, mask=mask, kind="bad"),
    ]


def test_items_images_and_masks_agree(tmp_path: Path) -> None:
    data = ImageSet(some(tmp_path), 16, tmp_path)
    assert len(data) == 3
    assert data.labels.dtype == np.bool_
    assert data.labels.tolist() == [False, False, True]
    assert data.names == ("good/0.png", "good/1.png", "bad/2.png")
    images, masks = data.images(), data.masks()
    assert masks is not None
    assert (images.dtype, images.shape) == (torch.uint8, (3, 3, 16, 16))
    assert (masks.dtype, masks.shape) == (torch.bool, (3, 1, 16, 16))
    for i in range(3):
        item = data[i]
        assert torch.equal((item.image * 255).round().byte(), images[i])
        assert item.mask is not None
        assert torch.equal(item.mask, masks[i])
        assert item.anomalous == data.labels[i]
        assert item.path == data.samples[i].path
    assert masks.flatten(1).any(1).tolist() == [False, False, True]
    assert data.images() is images


def test_decoded_once_and_kept(tmp_path: Path) -> None:
    samples = some(tmp_path)
    data = ImageSet(samples, 16)
    images = data.images().clone()
    for sample in samples:
        sample.path.unlink()
    assert torch.equal(data.images(), images)
    with pytest.raises(ImageError, match=r"0\.png: no such file"):
        data[0]


def test_an_anomalous_image_without_mask(tmp_path: Path) -> None:
    data = ImageSet(some(tmp_path, masked=False), 16)
    assert data.masks() is None
    assert data[2].mask is None
    normal = data[0].mask
    assert normal is not None
    assert not normal.any()
    assert data.root == tmp_path


def test_skip_lists_what_it_leaves_out(tmp_path: Path) -> None:
    samples = some(tmp_path)
    samples.insert(1, Sample(tmp_path / "good" / "broken.png", anomalous=False))
    samples[1].path.write_bytes(b"")
    masked = Sample(write(tmp_path / "bad" / "3.png", 3), True, tmp_path / "masks" / "3.png", "bad")
    assert masked.mask is not None
    masked.mask.write_text("no mask")
    samples.append(masked)
    told: list[tuple[int, int]] = []

    def progress(stage: str, done: int, total: int, info: str = "") -> None:
        told.append((done, total))

    data = ImageSet(samples, 16, tmp_path, on_error="skip", progress=progress)
    assert told == [(i, 5) for i in range(1, 6)]
    assert [error.path for error in data.skipped] == [samples[1].path, masked.mask]
    assert data.names == ("good/0.png", "good/1.png", "bad/2.png")
    assert len(data) == len(data.images()) == 3
    expected = (read_image(samples[2].path, 16) * 255).round().byte()
    assert torch.equal(data.images()[1], expected)
    assert data.check() == []
    whole = AnomalyData("x", data, data, data, tmp_path)
    assert whole.skipped == data.skipped * 3


def test_stop_raises_and_check_lists(tmp_path: Path) -> None:
    samples = some(tmp_path)
    for i in (0, 2):
        samples[i].path.write_bytes(b"")
    data = ImageSet(samples, 16)
    assert [error.path for error in data.check()] == [samples[0].path, samples[2].path]
    assert data.skipped == []
    with pytest.raises(ImageError, match=r"0\.png"):
        data.images()
    assert data[1].image.shape == (3, 16, 16)


def test_a_set_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    for i in range(3):
        (tmp_path / f"{i}.png").touch()
    samples = [Sample(tmp_path / f"{i}.png", anomalous=False) for i in range(3)]
    with pytest.raises(ImageError, match=r"0\.png: the file is empty.*other 2 images"):
        ImageSet(samples, 16, on_error="skip")


def test_empty_set_and_bad_arguments(tmp_path: Path) -> None:
    empty = ImageSet([], 16, tmp_path, on_error="skip")
    masks = empty.masks()
    assert masks is not None
    assert (empty.images().shape, masks.shape) == ((0, 3, 16, 16), (0, 1, 16, 16))
    with pytest.raises(ValueError, match="size must be positive, got 0"):
        ImageSet([], 0)
    with pytest.raises(ValueError, match="'stop' or 'skip', got 'ignore'"):
        ImageSet([], 16, on_error="ignore")  # type: ignore[arg-type]


def names(samples: list[Sample]) -> set[str]:
    return {s.path.name for s in samples}


def plain(count: int) -> list[Sample]:
    return [Sample(Path("/data/good") / f"{i:03}.png", anomalous=False) for i in range(count)]


@given(count=st.integers(2, 60), fraction=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_split_is_a_stable_partition(count: int, fraction: float, seed: int) -> None:
    samples = plain(count)
    kept, held = split_validation(samples, fraction, seed)
    assert sorted(kept + held, key=lambda s: s.path) == samples
    assert len(held) == min(max(round(fraction * count), 1), count - 1)
    again = split_validation(samples[::-1], fraction, seed)
    assert (names(again[0]), names(again[1])) == (names(kept), names(held))
    more = split_validation(plain(count + 1), fraction, seed)
    moved = names(held) ^ (names(more[1]) - {f"{count:03}.png"})
    assert len(moved) <= 1


def test_split_depends_on_seed_and_relative_path_only() -> None:
    here = plain(50)
    there = [Sample(Path("/else/where") / s.path.name, anomalous=False) for s in here]
    assert names(split_validation(here)[1]) == names(split_validation(there)[1])
    assert names(split_validation(here)[1]) != names(split_validation(here, seed=1)[1])

    def rank(sample: Sample) -> str:
        return hashlib.sha256(f"7:{sample.path.name}".encode()).hexdigest()

    assert names(split_validation(here, 0.1, 7)[1]) == names(sorted(here, key=rank)[:5])


def test_split_errors() -> None:
    with pytest.raises(ValueError, match=r"at least two images, got only .*000\.png"):
        split_validation(plain(1))
    with pytest.raises(ValueError, match="at least two images, got none"):
        split_validation([])
    with pytest.raises(ValueError, match="fraction must be between 0 and 1"):
        split_validation(plain(5), 1.0)


def test_a_limited_test_set_keeps_both_kinds_in_proportion(make_data):
    data = make_data(normal=20, anomalous=60)
    part = data.limited(20)
    assert part.test.labels.sum() == 15
    assert len(part.test) == 20
    assert set(part.test.names) <= set(data.test.names)
    assert part.train is data.train
    assert data.limited(80) is data
    assert data.limited(20, balanced=True).test.labels.sum() == 10
    assert data.limited(60, balanced=True).test.labels.sum() == 40  # there are but 20 normal ones
    with pytest.raises(ValueError, match="count=1 test images cannot hold both kinds"):
        data.limited(1)


@pytest.fixture
def make_data(tmp_path):
    def make(normal: int, anomalous: int) -> AnomalyData:
        kinds = [False] * normal + [True] * anomalous
        samples = [Sample(tmp_path / f"{i:03}.png", kind) for i, kind in enumerate(kinds)]
        empty = ImageSet([], 8, tmp_path)
        return AnomalyData("x", empty, empty, ImageSet(samples, 8, tmp_path), tmp_path)

    return make
