"""What ``hardsight data`` says of data sets with one fault each."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bright import Bright
from hardsight.data import AnomalyData, findings, folder, load, together, training_findings
from hardsight.evaluation import DetectorSubject
from tiny_parts import write_parts


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return write_parts(tmp_path / "parts")


def first(top: Path, place: str) -> Path:
    return min((top / place).rglob("*.png"))


def only(data: AnomalyData) -> str:
    found = findings(data)
    assert len(found) == 1
    return found[0]


def test_nothing_is_odd(top: Path) -> None:
    assert findings(load(top, size=16)) == []


def test_images_and_masks_that_were_looked_at_are_told(top: Path) -> None:
    told: list[tuple[str, int, int]] = []

    def progress(stage: str, done: int, total: int, info: str = "") -> None:
        told.append((stage, done, total))

    data = load(top, size=16)
    findings(data, progress)
    images = len(data.train) + len(data.validation) + len(data.test)
    masks = sum(bool(sample.masks) for sample in data.test.samples)
    assert told == [
        *(("check images", i + 1, images) for i in range(images)),
        *(("check masks", i + 1, masks) for i in range(masks)),
    ]


def test_files_that_are_left_out_are_named_before_a_training(top: Path) -> None:
    broken = first(top, "train")
    broken.write_bytes(broken.read_bytes()[:50])
    data = load(top, size=16, on_error="skip")
    said = f"1 unreadable file left out: train/good/{broken.name}"
    assert said in training_findings(data)
    assert f"{said}." in DetectorSubject.of(Bright(), data).notes


def test_copies_of_and_links_to_training_images(top: Path) -> None:
    data = load(top, size=16)
    copied, linked = data.train.samples[:2]
    good = top / "test" / "good"
    (good / "copy.png").write_bytes(copied.path.read_bytes())
    (good / "link.png").symlink_to(linked.path)
    said = only(load(top, size=16))
    assert said.startswith("2 held-out images copied from or linked to training")
    names = [f"test/good/{name}" for name in ("copy.png", "link.png")]
    learnt = [data.train.names[0], data.train.names[1]]
    assert all(f"{a} ({b})" in said for a, b in zip(names, learnt, strict=True))


def test_missing_and_grey_masks_are_named(top: Path) -> None:
    masks = sorted((top / "ground_truth").rglob("*.png"))
    masks[0].unlink()
    Image.open(masks[1]).resize((64, 64), Image.Resampling.BILINEAR).save(masks[1])
    data = load(top, size=16)
    missing, grey = findings(data)
    assert missing.startswith("1 anomalous image without a mask, so that localisation is not")
    assert masks[0].stem.removesuffix("_mask") in missing
    assert grey.startswith("1 image with a mask in shades of grey, of which half")
    both = together([data, load(write_parts(top.parent / "others", seed=1), size=16)])
    assert findings(both) == [
        missing.replace("test/", "parts/test/"),
        grey.replace("test/", "parts/test/"),
    ]


def test_thin_defects_are_named(top: Path) -> None:
    mask = min((top / "ground_truth").rglob("*.png"))
    pixels = np.zeros(np.asarray(Image.open(mask)).shape[:2], np.uint8)
    pixels[2, :] = 255
    Image.fromarray(pixels).save(mask)
    assert findings(load(top, size=len(pixels))) == []
    said = only(load(top, size=len(pixels) // 2))
    assert said.startswith("1 image with a defect that covers no more than half of any pixel")


def test_images_turned_without_their_masks(top: Path) -> None:
    path = first(top, "test/" + min(p.name for p in (top / "ground_truth").iterdir()))
    exif = Image.Exif()
    exif[274] = 6
    Image.open(path).save(path, exif=exif)
    said = only(load(top, size=16))
    assert said.startswith("1 image turned by the EXIF orientation, without the mask")


def test_twelve_bits_in_sixteen(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for i in range(4):
        path = tmp_path / "good" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        pixels = generator.integers(0, 4096, (16, 16), dtype=np.uint16)
        pixels[0, 0] = 4095
        Image.fromarray(pixels).save(path)
    said = only(folder("good", root=tmp_path, size=16))
    assert said.startswith("4 grey images of 16 bits a pixel without a value above 4,095")
    assert "eps is 16 times" in said
    assert "--set data.bits=12" in said
    stretched = folder("good", root=tmp_path, size=16, bits=12)
    assert findings(stretched) == []
    assert stretched.train.images().max() == 255
    assert len(folder("good", root=tmp_path, size=16).train.images().unique()) <= 17


def test_masks_that_mark_nothing_or_nearly_all(top: Path) -> None:
    masks = sorted((top / "ground_truth").rglob("*.png"))
    blank = np.zeros((16, 16), np.uint8)
    Image.fromarray(blank).save(masks[0])
    Image.fromarray(255 - np.asarray(Image.open(masks[1]))).save(masks[1])
    nothing, inverted = findings(load(top, size=16))
    assert nothing.startswith("1 anomalous image with a mask that marks nothing")
    assert inverted.startswith("1 image with a mask that marks more than half of it")


def test_images_that_are_stretched(tmp_path: Path) -> None:
    for i in range(4):
        path = tmp_path / "good" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((10, 30 if i else 11), i, np.uint8)).save(path)
    said = only(folder("good", root=tmp_path, size=16))
    assert said.startswith("3 images not square, as one of 30 x 10, and stretched")
    assert "data.aspect" in said
    assert findings(folder("good", root=tmp_path, size=16, aspect="keep")) == []


def test_anomalous_images_without_any_mask(top: Path) -> None:
    count = len(list((top / "ground_truth").rglob("*.png")))
    shutil.rmtree(top / "ground_truth")
    said = only(load(top, size=16))
    assert said.startswith(f"{count} anomalous images without a mask, so that localisation is not")


def test_images_with_transparency_and_images_that_are_far_too_small(top: Path) -> None:
    clear, tiny = sorted((top / "test" / "good").glob("*.png"))[:2]
    Image.open(clear).convert("RGBA").save(clear)
    Image.new("RGB", (1, 1)).save(tiny)
    assert findings(load(top, size=16)) == [
        "1 image enlarged more than 4 times, from 1 x 1 to 16 x 16: what is fine cannot be seen",
        "1 image with transparency, read over black",
    ]
