from pathlib import Path

import pytest

from hardsight.data import Sample
from hardsight.data.matching import Matched, match_masks

IMAGES, MASKS = Path("/data/test"), Path("/data/truth")


def matched(images: list[str], masks: list[str]) -> Matched:
    samples = [Sample(IMAGES / name, anomalous=True) for name in images]
    files = [MASKS / name for name in masks]
    tops = {sample.path: IMAGES for sample in samples}
    return match_masks(samples, tops, dict.fromkeys(files, MASKS), "truth")


def names(found: Matched) -> dict[str, list[str]]:
    return {
        sample.path.relative_to(IMAGES).as_posix(): [
            mask.relative_to(MASKS).as_posix() for mask in sample.masks
        ]
        for sample in found.samples
    }


def test_by_stem_suffix_and_subfolder() -> None:
    images = ["0.png", "1.png", "dent/a.png", "crack/a.png"]
    found = matched(images, ["0.bmp", "deep/1_mask.png", "dent/a_mask.png", "crack/a.png"])
    assert names(found) == {
        "0.png": ["0.bmp"],
        "1.png": ["deep/1_mask.png"],
        "dent/a.png": ["dent/a_mask.png"],
        "crack/a.png": ["crack/a.png"],
    }
    assert found.unused == []
    partial = matched(images, ["deep/1_mask.png", "crack/a.png", "9.png"])
    assert names(partial) == {
        "0.png": [],
        "1.png": ["deep/1_mask.png"],
        "dent/a.png": [],  # the other a.png must not be taken for it
        "crack/a.png": ["crack/a.png"],
    }
    assert partial.unused == [MASKS / "9.png"]
    assert partial.note(MASKS) == ["1 mask of no image, not used: 9.png"]


def test_several_masks_in_a_folder_of_the_images_name() -> None:
    """As in MVTec LOCO, where ``003/001.png`` once became the mask of image 001."""
    images = [f"{i:03}.png" for i in range(6)]
    masks = ["000/000.png", "000/001.png", "002/000.png", "003/000.png", "003/001.png"]
    found = matched(images, [*masks, "004/000.png", "005/000.png", "007/000.png"])
    assert names(found) == {
        "000.png": ["000/000.png", "000/001.png"],
        "001.png": [],
        "002.png": ["002/000.png"],
        "003.png": ["003/000.png", "003/001.png"],
        "004.png": ["004/000.png"],
        "005.png": ["005/000.png"],
    }
    assert found.unused == [MASKS / "007" / "000.png"]


def test_not_one_that_matches() -> None:
    expected = r"0\.png'.*'0\.\*' or '0_mask\.\*'.*defect_0\.png"
    with pytest.raises(ValueError, match=expected):
        matched(["0.png"], ["defect_0.png"])
    assert names(matched(["0.png"], [])) == {"0.png": []}
