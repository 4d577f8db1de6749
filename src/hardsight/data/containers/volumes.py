"""Axial slices of a NIfTI volume, the number of a slice for a name."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hardsight.core.extras import needed
from hardsight.data.containers.container import Container, position, remembered

WHITE = 99.5
"""Percentile of a scan's values above 0 that is shown as white."""
_CLASS_NUMBERS = 16
"""Whole values all below this are the numbers of a segmentation, and are kept as they are."""


@remembered(8)
def read_volume(file: Path) -> NDArray[np.float32 | np.uint8]:
    """Read a NIfTI file (X, Y, Z): a segmentation as uint8, a scan as float32 in [0, 1].

    A scan is divided by the ``WHITE`` percentile of its values above 0, for magnetic resonance has
    no unit; what is brighter is white, and what is below 0 black.

    Raises:
        ImportError: nibabel is not installed (extra ``nifti``).
        OSError: it cannot be read.
        ValueError: it is damaged, or has not three dimensions.
    """
    nibabel = needed("nibabel", "'hardsight[nifti]'", f"reading {file.name}")
    try:
        values = np.asarray(nibabel.load(file).dataobj, dtype=np.float32)
    except nibabel.filebasedimages.ImageFileError as error:
        raise ValueError(f"{file} is no NIfTI file ({error})") from error
    if values.ndim != 3:
        raise ValueError(f"{file} has {values.ndim} dimensions; a volume has three")
    if values.min() >= 0 and values.max() < _CLASS_NUMBERS and not (values % 1).any():
        return values.astype(np.uint8)
    above = values[values > 0]
    white = np.percentile(above, WHITE) if above.size else 1.0
    scaled: NDArray[np.float32] = np.clip(values / np.float32(white), 0, 1)
    return scaled


def _image(file: Path, name: str) -> Image.Image:
    volume = read_volume(file)
    return Image.fromarray(volume[:, :, position(name, volume.shape[2], file)].T)


def _is_nifti(file: Path) -> bool:
    return file.name.lower().endswith((".nii", ".nii.gz"))


NIFTI = Container("nifti", _is_nifti, _image)
