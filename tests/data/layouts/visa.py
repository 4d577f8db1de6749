"""A layout in one file: VisA, whose normal images and masks lie beside each other.

The worked example of CONTRIBUTING; ``test_layouts`` adds it by one line.
"""

from pathlib import Path

from hardsight.data import AnomalyData, Layout, LoadOptions, Sample, split_validation
from hardsight.data.files import IMAGE_EXTENSIONS, images_below, walk
from hardsight.data.layouts.layout import normal_samples
from hardsight.data.matching import match_masks


def is_visa(top: Path) -> bool:
    """Tell whether a folder has ``Data/Images/Normal``."""
    return (top / "Data" / "Images" / "Normal").is_dir()


def read_visa(top: Path, options: LoadOptions) -> AnomalyData:
    """Read one category of VisA (Zou et al., 2022), its normal images split by their names."""
    images, truth = top / "Data" / "Images", top / "Data" / "Masks" / "Anomaly"
    rest, tested = split_validation(
        normal_samples(images / "Normal", top), options.test_fraction, options.seed
    )
    train, validation = split_validation(rest, options.val_fraction, options.seed)
    bad = images_below(images / "Anomaly", "Data/Images/Anomaly", IMAGE_EXTENSIONS)
    found = match_masks(
        [Sample(path, anomalous=True, defect="anomaly") for path in bad],
        dict.fromkeys(bad, images / "Anomaly"),
        dict.fromkeys(walk(truth), truth),
        "Data/Masks/Anomaly",
    )
    return options.data(top, (train, validation, tested + found.samples), found.note(top))


VISA = Layout("visa", "Data/Images/Normal and Data/Images/Anomaly", is_visa, read_visa)
