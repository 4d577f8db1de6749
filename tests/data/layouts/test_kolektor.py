"""KolektorSDD and KolektorSDD2, whose masks lie beside the images."""

from pathlib import Path

import pytest

from hardsight.data import load
from hardsight.data.layouts.layout import samples_beside_masks
from trees import kolektor_sdd, kolektor_sdd2, masks_of, sizes, write


def test_items_are_split_whole_and_every_crack_is_tested(tmp_path: Path) -> None:
    data = load(kolektor_sdd(tmp_path), size=8)
    items = [
        {s.path.parent.name for s in part.samples if not s.anomalous}
        for part in (data.train, data.validation, data.test)
    ]
    assert [len(found) for found in items] == [4, 1, 1]
    assert len(set.union(*items)) == 6
    assert sizes(data) == (8, 2, 2 + 6)
    assert masks_of(data)["kos03/Part2.jpg"] == ["kos03/Part2_label.bmp"]
    assert {s.defect for s in data.test.samples} == {"good", "crack"}


def test_kolektor_sdd2_keeps_its_split_and_trains_on_good_parts(tmp_path: Path) -> None:
    data = load(kolektor_sdd2(tmp_path), size=8)
    assert sizes(data) == (8, 2, 7)
    assert {name.partition("/")[0] for name in data.train.names} == {"train"}
    assert masks_of(data) == {f"test/{i}.png": [f"test/{i}_GT.png"] for i in range(10004, 10007)}
    assert data.notes == ("left out, for training takes good parts alone: 2 with defects",)


def test_images_without_any_mask_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"holds no image <name> with a mask <name>_GT\.png"):
        samples_beside_masks(tmp_path, "_GT.png")
