from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hardsight.data import AnomalyData, ImageError, ImageSet, Sample, read_image


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
    masks = (write_mask(tmp_path / "masks" / "2.png"),) if masked else ()
    return [
        Sample(write(tmp_path / "good" / "0.png", 0), anomalous=False),
        Sample(write(tmp_path / "good" / "1.png", 1), anomalous=False),
        Sample(write(tmp_path / "bad" / "2.png", 2), anomalous=True, masks=masks, defect="bad"),
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


def test_it_shows_what_it_holds(tmp_path: Path) -> None:
    assert repr(ImageSet(some(tmp_path), 16)) == "ImageSet(3 of 16 x 16, 1 anomalous)"


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
    mask = tmp_path / "masks" / "3.png"
    mask.write_text("no mask")
    samples.append(Sample(write(tmp_path / "bad" / "3.png", 3), True, (mask,), "bad"))
    told: list[tuple[int, int]] = []

    def progress(stage: str, done: int, total: int, info: str = "") -> None:
        told.append((done, total))

    data = ImageSet(samples, 16, tmp_path, on_error="skip", progress=progress)
    assert told == [(i, 5) for i in range(1, 6)]
    assert [error.path for error in data.skipped] == [samples[1].path, mask]
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


def test_another_set_of_samples_is_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "0.png"
    Image.fromarray(np.full((4, 4), 4095, np.uint16)).save(path)
    whole = ImageSet([Sample(path, anomalous=False)], 4, tmp_path, bits=12)
    part = whole.of(whole.samples)
    assert (part.root, part.size) == (whole.root, whole.size)
    assert part.images().unique().tolist() == [255]
    assert ImageSet(whole.samples, 4).images().unique().tolist() == [16]
