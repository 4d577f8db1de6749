"""BraTS2021, axial slices of the FLAIR volumes, its patients divided and not their slices."""

from pathlib import Path

from hardsight.core.near import subfolders
from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.containers.volumes import read_volume
from hardsight.data.files import worker_threads
from hardsight.data.image_set import Sample
from hardsight.data.layouts.layout import Layout
from hardsight.data.options import LoadOptions
from hardsight.data.splits import split_groups

SLICES = range(50, 111, 10)
"""Axial slices that are read of each volume of 155: all of them cut the brain."""


def is_brats2021(top: Path) -> bool:
    """Tell whether a folder has folders of patients with a FLAIR volume and a segmentation."""
    return bool(_patients(top))


def read_brats2021(top: Path, options: LoadOptions) -> AnomalyData:
    """Read BraTS2021 (Baid et al., 2021): FLAIR slices, anomalous where the tumour is cut.

    There are no official slices and no official split for training on normal ones. Patients are
    held out whole, first for the test, which has all their slices, and then for validation. Of the
    others the slices without a tumour train: they too are of patients that have one.

    Raises:
        ImportError: nibabel is not installed (extra ``nifti``).
        ValueError: a volume is damaged, or fewer than three patients have a normal slice.
    """
    with worker_threads() as pool:
        found = [sample for part in pool.map(_slices, _patients(top)) for sample in part]
    rest, tested = split_groups(found, _patient, options.test_fraction, options.seed)
    normal = [sample for sample in rest if not sample.anomalous]
    train, validation = split_groups(normal, _patient, options.val_fraction, options.seed)
    note = (
        f"slices {', '.join(map(str, SLICES))} of each FLAIR volume, patients held out by their "
        "names: no official protocol"
    )
    return options.data(top, (train, validation, tested), [note])


def _patients(top: Path) -> list[Path]:
    """Return the folders with a FLAIR volume and a segmentation."""
    return [
        place
        for place in subfolders(top)
        if _volume(place, "flair").is_file() and _volume(place, "seg").is_file()
    ]


def _volume(patient: Path, modality: str) -> Path:
    return patient / f"{patient.name}_{modality}.nii.gz"


def _slices(patient: Path) -> list[Sample]:
    """Return the slices of a patient, with the tumour as mask where it is cut."""
    flair, segmented = _volume(patient, "flair"), _volume(patient, "seg")
    tumour = read_volume(segmented) > 0
    return [
        Sample(flair / f"{k:03}", True, (segmented / f"{k:03}",), "tumour")
        if tumour[:, :, k].any()
        else Sample(flair / f"{k:03}", anomalous=False)
        for k in SLICES
    ]


def _patient(sample: Sample) -> str:
    return sample.path.parent.parent.name


BRATS2021 = Layout(
    "brats2021",
    "<patient>/<patient>_flair.nii.gz and <patient>_seg.nii.gz",
    is_brats2021,
    read_brats2021,
)
