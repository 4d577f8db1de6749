from pathlib import Path

from hardsight.data import load
from hardsight.data.layouts.brats2021 import SLICES
from trees import brats2021, sizes


def test_patients_are_held_out_whole(tmp_path: Path) -> None:
    data = load(brats2021(tmp_path), size=8)
    patients = [
        {name.split("/")[0] for name in one.names}
        for one in (data.train, data.validation, data.test)
    ]
    assert [len(found) for found in patients] == [3, 1, 1]
    assert len(set.union(*patients)) == 5
    with_tumour = 3  # slices 70, 80 and 90 of seven
    normal = len(SLICES) - with_tumour
    assert sizes(data) == (3 * normal, normal, len(SLICES))
    assert data.test.labels.tolist() == [65 <= k < 95 for k in SLICES]
    (note,) = data.notes
    assert "no official protocol" in note


def test_the_mask_of_a_slice_is_its_tumour(tmp_path: Path) -> None:
    masks = load(brats2021(tmp_path), size=12).test.masks()
    assert masks is not None
    assert [bool(mask.any()) for mask in masks] == [65 <= k < 95 for k in SLICES]
    assert masks[2].float().mean() == (2 * 2) / (6 * 4)
