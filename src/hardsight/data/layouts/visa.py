"""VisA, whose split is a CSV file beside the categories."""

from pathlib import Path

from hardsight.core.words import listed
from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.files import IMAGE_EXTENSIONS, existing_folder, relative_name, walk
from hardsight.data.layouts.layout import Layout, LayoutError, normal_samples
from hardsight.data.layouts.rows import Row, divided, read_rows
from hardsight.data.options import LoadOptions, Three

IMAGES = Path("Data") / "Images"
SPLIT = Path("split_csv") / "1cls.csv"
FOREGROUNDS = IMAGES / "foreground_mask"
PATCHGUARD = "patchguard"


def is_visa(top: Path) -> bool:
    """Tell whether a folder has ``Data/Images/Normal``."""
    return (top / IMAGES / "Normal").is_dir()


def read_visa(top: Path, options: LoadOptions) -> AnomalyData:
    """Read one category of VisA (Zou et al., 2022) by ``1cls.csv``, its official one-class split.

    The split ``patchguard`` is the one that PatchGuard's public code implies: a normal image
    trains if ``Data/Images/foreground_mask``, from its download, has a file of the same name, and
    is tested if not. Its figures are not comparable to those of the official split.

    Raises:
        LayoutError: the split's file is missing, or names what is not there.
        FileNotFoundError: the folder of PatchGuard's split is missing.
    """
    here = top.absolute()
    file = here.parent / SPLIT
    if not file.is_file():
        raise LayoutError(
            f"{file} is missing, which holds the official one-class split; it comes with VisA and "
            "lies beside the folders of the categories"
        )
    rows = read_rows(file, here.name)
    if options.split == PATCHGUARD:
        note = "split as PatchGuard's masks imply: not comparable to the official split"
        return options.data(here, _by_foreground(here, rows, options), [note])
    return options.data(here, divided(rows, options, file.parent), _unlisted(here, rows))


def _by_foreground(top: Path, rows: list[Row], options: LoadOptions) -> Three:
    """Train on the normal images that have a foreground mask, and test all others."""
    folder = existing_folder(top / FOREGROUNDS, "the folder of split='patchguard'")
    masked = {path.stem for path in walk(folder)}
    normal = normal_samples(top / IMAGES / "Normal", top)
    train, validation, good = options.hold_out(
        [sample for sample in normal if sample.path.stem in masked],
        tested=[sample for sample in normal if sample.path.stem not in masked],
    )
    return train, validation, [*good, *(row.sample for row in rows if row.sample.anomalous)]


def _unlisted(top: Path, rows: list[Row]) -> list[str]:
    """Return a sentence about the images that the split does not name, if there are any."""
    known = {row.sample.path for row in rows}
    folders = (top / IMAGES / "Normal", top / IMAGES / "Anomaly")
    found = [path for folder in folders for path in walk(folder, IMAGE_EXTENSIONS)]
    others = [relative_name(path, top) for path in found if path not in known]
    return [f"left out, for {SPLIT.as_posix()} does not name them: {listed(others)}"] * bool(others)


VISA = Layout(
    "visa",
    f"{IMAGES.as_posix()}/Normal and Anomaly, and {SPLIT.as_posix()} beside the category",
    is_visa,
    read_visa,
    splits=(PATCHGUARD,),
)
