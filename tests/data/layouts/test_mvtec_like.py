"""Layouts like MVTec AD's: what they are recognised by, and what they add to it."""

from pathlib import Path

import pytest

import trees
from hardsight.data import load
from hardsight.data.layouts import layout_of


@pytest.mark.parametrize("name", ["mvtec", "mvtec_ad2", "mvtec_loco", "btad"])
def test_each_is_recognised(tmp_path: Path, name: str) -> None:
    found = layout_of(getattr(trees, name)(tmp_path))
    assert found is not None
    assert found.name == name


def test_mvtec_loco_joins_the_masks_of_an_image(tmp_path: Path) -> None:
    top = trees.mvtec_loco(tmp_path / "pushpins")
    trees.write(top / "ground_truth" / "logical_anomalies" / "007" / "000.png")
    data = load(top, size=8)
    assert trees.sizes(data) == (10, 1, 6)
    place = "ground_truth/logical_anomalies"
    assert trees.masks_of(data) == {
        "test/logical_anomalies/000.png": [f"{place}/000/000.png", f"{place}/000/001.png"],
        "test/logical_anomalies/001.png": [],
        "test/logical_anomalies/002.png": [],
        "test/logical_anomalies/003.png": [f"{place}/003/001.png"],
        "test/structural_anomalies/000.png": ["ground_truth/structural_anomalies/000/000.png"],
    }
    unused = f"1 mask of no image, not used: {place}/007/000.png"
    assert data.notes == (unused,)


def test_mvtec_ad2_reads_what_has_labels(tmp_path: Path) -> None:
    trees.mvtec_ad2(tmp_path / "can")
    data = load(tmp_path, "can", size=8)
    assert trees.sizes(data) == (10, 3, 7)
    assert [s.defect for s in data.test.samples] == ["bad"] * 3 + ["good"] * 4
    assert trees.masks_of(data)["test_public/bad/002_regular.png"] == [
        "test_public/ground_truth/bad/002_regular_mask.png"
    ]
    assert data.notes == tuple(
        f"left out, for the labels of its images are not public: {name}"
        for name in ("test_private", "test_private_mixed")
    )


def test_btad_calls_good_and_bad_ok_and_ko(tmp_path: Path) -> None:
    trees.btad(tmp_path / "01")
    data = load(tmp_path, "01", size=8)
    assert trees.sizes(data) == (8, 2, 5)
    assert [s.defect for s in data.test.samples] == ["ko"] * 3 + ["good"] * 2
    assert all(s.masks for s in data.test.samples if s.anomalous)
    assert data.notes == ()
