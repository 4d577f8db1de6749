from pathlib import Path

import pytest

from hardsight.data import LayoutError, load
from trees import coco, masks_of, numbered, sizes, write

BOX = {"category_id": 1, "bbox": [1, 1, 3, 2]}


def test_without_parts_images_are_split_by_names(tmp_path: Path) -> None:
    numbered(tmp_path / "images" / "default", 12)
    names = [f"{i:03}.png" for i in range(12)]
    marks = [{"image_id": i, **BOX} for i in (11, 12)] + [
        {"image_id": 1, "category_id": 2, "bbox": [0, 0, 8, 8]}  # named as a good part
    ]
    coco(tmp_path / "annotations" / "instances_default.json", names, marks)
    data = load(tmp_path, size=8)
    assert sizes(data) == (6, 2, 4)
    assert masks_of(data) == {
        f"images/default/{i - 1:03}.png": [f"annotations/instances_default.json/{i}"]
        for i in (11, 12)
    }
    masks = data.test.masks()
    assert masks is not None
    assert masks.flatten(1).sum(1).tolist() == [0, 0, 6, 6]
    assert {s.defect for s in data.test.samples} == {"good", "scratch"}


def test_parts_are_told_by_names_and_train_on_good_parts(tmp_path: Path) -> None:
    for part, count in (("train2017", 5), ("val2017", 2), ("test2017", 2)):
        numbered(tmp_path / part, count)
        names = [f"{i:03}.png" for i in range(count)]
        marks = [] if part == "val2017" else [{"image_id": 1, **BOX}]
        coco(tmp_path / "annotations" / f"instances_{part}.json", names, marks)
    coco(tmp_path / "annotations" / "instances_other.json", ["train2017/000.png"], [])
    data = load(tmp_path, size=8)
    assert sizes(data) == (4, 2, 2)
    assert data.test.labels.tolist() == [True, False]
    assert data.notes == ("left out, for training takes good parts alone: 1 annotated images",)


def test_annotations_beside_the_images_of_each_part(tmp_path: Path) -> None:
    for part, marks in (("train", []), ("valid", []), ("test", [{"image_id": 2, **BOX}])):
        numbered(tmp_path / part, 2)
        coco(tmp_path / part / "_annotations.coco.json", ["000.png", "001.png"], marks)
    data = load(tmp_path, size=8)
    assert sizes(data) == (2, 2, 2)
    assert masks_of(data) == {"test/001.png": ["test/_annotations.coco.json/2"]}


def test_an_image_that_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path / "images" / "a.png")
    coco(tmp_path / "annotations" / "all.json", ["a.png", "b.png"], [])
    with pytest.raises(LayoutError, match=r"all\.json, image id=2: 'b\.png' is in none of"):
        load(tmp_path)
