"""MVTec AD and those arranged like it: MPDD, WFDD, DTD-Synthetic and many a private set."""

from dataclasses import dataclass
from pathlib import Path

from hardsight.core.near import subfolders
from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.files import IMAGE_EXTENSIONS, images_below, relative_name, walk
from hardsight.data.image_set import Sample
from hardsight.data.layouts.layout import (
    Layout,
    good_folders,
    is_good,
    left_out,
    normal_samples,
)
from hardsight.data.matching import match_masks
from hardsight.data.options import LoadOptions


@dataclass(frozen=True)
class Places:
    """Where a layout like MVTec AD's keeps what, relative to the category's folder."""

    test: str = "test"
    """Folder of the test images."""
    masks: str = "ground_truth"
    good: str = "good"
    """Name of a folder of good parts; another that means the same is read too, with a note."""
    unlabelled: tuple[str, ...] = ()
    """Folders of test images whose labels are not public, which are left out."""


PLACES = Places()
"""Those of MVTec AD."""


def is_mvtec(top: Path) -> bool:
    """Tell whether a folder has training images, in ``train/good``."""
    return bool(good_folders(top / "train"))


def read_mvtec(top: Path, options: LoadOptions, places: Places = PLACES) -> AnomalyData:
    """Read one category arranged as MVTec AD (Bergmann et al., 2019).

    ``train/good``, ``test/good``, ``test/<defect>`` and ``ground_truth/<defect>/<stem>_mask.png``;
    other names of ``good`` and of masks are known too, see ``GOOD`` and ``match_masks``.
    Validation images are those of ``validation/good`` where that folder exists, else a share of
    the training images.

    Args:
        top: The category's folder.
        options: See there.
        places: Where what lies.

    Raises:
        ValueError: a folder is empty, or no mask matches.
    """
    train, notes = _normal(top / "train", top, places.good)
    validation, more = _normal(top / "validation", top, places.good)
    good = good_folders(top / "train")
    base = good[0] if len(good) == 1 else top / "train"
    tested, others = _tested(top, places)
    known = [top / name for name in ("train", "validation", places.test, *places.unlabelled)]
    notes += more + others + left_out(top, [*known, top / places.masks.split("/")[0]])
    notes += [
        f"left out, for the labels of its images are not public: {name}"
        for name in places.unlabelled
        if (top / name).is_dir()
    ]
    return options.data(top, options.hold_out(train, base, validation, tested), notes)


def _normal(place: Path, top: Path, official: str) -> tuple[list[Sample], list[str]]:
    """Return the normal samples in the folders of good parts of a place, and notes."""
    samples, notes = [], []
    for folder in good_folders(place):
        samples += normal_samples(folder, top)
        if folder.name != official:
            notes.append(f"{relative_name(folder, top)} is read as good parts")
    return samples, notes


def _tested(top: Path, places: Places) -> tuple[list[Sample], list[str]]:
    """Return the test samples, defects in the order of their names, and notes."""
    test, masks = top / places.test, top / places.masks
    samples, notes = _normal(test, top, places.good)
    for place in subfolders(test):
        if is_good(place) or place == masks:
            continue
        paths = images_below(place, relative_name(place, top), IMAGE_EXTENSIONS)
        truth = masks / place.name
        found = match_masks(
            [Sample(path, anomalous=True, defect=place.name) for path in paths],
            dict.fromkeys(paths, place),
            dict.fromkeys(walk(truth), truth) if truth.is_dir() else {},
            relative_name(truth, top),
        )
        samples += found.samples
        notes += found.note(top)
    samples.sort(key=lambda sample: relative_name(sample.path.parent, test))
    return samples, notes


MVTEC = Layout("mvtec", "train/good, test/<defect> and ground_truth/<defect>", is_mvtec, read_mvtec)
