from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from hardsight.data import ImageError, read_image, read_mask
from hardsight.data.containers.volumes import WHITE, read_volume


def save(file: Path, values: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), file)
    return file


def test_a_scan_is_scaled_as_a_whole_and_its_slices_are_turned(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(-5, 800, (6, 4, 3)).astype(np.int16)
    file = save(tmp_path / "scan.nii.gz", values)
    white = np.percentile(values[values > 0], WHITE)
    for k in range(3):
        expected = torch.from_numpy(np.clip(values[:, :, k] / white, 0, 1).T.astype(np.float32))
        shown = read_image(file / f"{k:03}")
        assert shown.shape == (3, 4, 6)
        assert torch.allclose(shown, expected.expand(3, -1, -1))


def test_a_segmentation_is_a_mask_of_every_class(tmp_path: Path) -> None:
    values = np.zeros((6, 4, 2), np.uint8)
    values[1, 2, 1], values[4, 0, 1] = 1, 4
    file = save(tmp_path / "seg.nii", values)
    assert read_volume(file).dtype == np.uint8
    assert not read_mask(file / "000").any()
    assert read_mask(file / "001")[0].nonzero().tolist() == [[0, 4], [2, 1]]


def test_a_black_scan_stays_black(tmp_path: Path) -> None:
    file = save(tmp_path / "black.nii", np.full((2, 2, 1), -3, np.int16))
    assert not read_image(file / "0").any()


@pytest.mark.parametrize(
    ("shape", "name", "message"),
    [
        ((2, 2, 3), "003", "holds images 0 to 2, and none named '003'"),
        ((2, 2, 3), "first", "none named 'first'"),
        ((2, 2, 3, 2), "0", "has 4 dimensions; a volume has three"),
    ],
)
def test_errors(tmp_path: Path, shape: tuple[int, ...], name: str, message: str) -> None:
    file = save(tmp_path / "v.nii", np.zeros(shape, np.int16))
    with pytest.raises(ImageError, match=message):
        read_image(file / name)


def test_a_damaged_volume_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v.nii").write_bytes(b"nothing of the sort")
    with pytest.raises(ImageError, match=r"v\.nii is no NIfTI file"):
        read_image(tmp_path / "v.nii" / "0")
