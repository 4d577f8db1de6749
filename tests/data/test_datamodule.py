"""Against anomalib itself; skipped where the extra is not installed."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("anomalib", reason="needs the extra: pip install 'hardsight[anomalib]'")

from anomalib.data import Folder, MVTecAD

import trees
from hardsight.data import AnomalyData, from_datamodule, load


def test_mvtec_ad_is_what_its_layout_reads(tmp_path: Path) -> None:
    trees.mvtec(tmp_path / "bottle")
    data = from_datamodule(MVTecAD(root=tmp_path, category="bottle"), "bottle", size=8)
    ours = load(tmp_path, "bottle", size=8)
    assert data.name == "bottle"
    assert trees.sizes(data) == trees.sizes(ours)
    assert {s.path for s in data.test.samples} == {s.path for s in ours.test.samples}
    assert {s.path: s.masks for s in data.test.samples} == {
        s.path: s.masks for s in ours.test.samples
    }
    assert {s.defect for s in data.test.samples} == {"good", "crack", "dent"}
    assert data.notes == ()


def parts(top: Path, mode: str) -> AnomalyData:
    """Read ten normal images to train on and eight to test, of which anomalib may take some."""
    for path in trees.mvtec(top).rglob("*.png"):
        trees.picture(path, np.full((64, 64, 3), 90, np.uint8))  # anomalib's defects need as much
    datamodule = Folder(
        name="parts",
        root=top,
        normal_dir="train/good",
        abnormal_dir="test/crack",
        normal_test_dir=["test/good", "test/dent"],
        val_split_mode=mode,
    )
    return from_datamodule(datamodule, size=8)


@pytest.mark.parametrize(
    ("mode", "expected", "notes"),
    [
        ("from_test", (8, 2, 8), 1),
        ("same_as_test", (8, 2, 8), 0),
        ("from_train", (5, 5, 8), 0),
        ("none", (8, 2, 8), 0),
    ],
)
def test_no_test_image_is_lost_to_validation(
    tmp_path: Path, mode: str, expected: tuple[int, int, int], notes: int
) -> None:
    data = parts(tmp_path, mode)
    assert data.name == "parts"
    assert trees.sizes(data) == expected
    assert len(data.notes) == notes
    names = {*data.train.names, *data.validation.names, *data.test.names}
    assert len(names) == 18


def test_synthetic_anomalies_are_left_out(tmp_path: Path) -> None:
    data = parts(tmp_path, "synthetic")
    assert not data.validation.labels.any()
    assert {name.rpartition("/")[0] for name in data.validation.names} == {"train/good"}
    (note,) = data.notes
    assert note.endswith("synthetic anomalies for validation are left out")
