"""A layout in one file: magnetic tiles, whose images and masks lie beside each other.

The worked example of CONTRIBUTING; ``test_layouts`` adds it by one line.
"""

from pathlib import Path

from hardsight.data import AnomalyData, Layout, LoadOptions, Sample
from hardsight.data.files import images_below, walk
from hardsight.data.layouts.layout import left_out
from hardsight.data.matching import match_masks


def is_magnetic_tile(top: Path) -> bool:
    """Tell whether a folder has ``MT_Free/Imgs``."""
    return (top / "MT_Free" / "Imgs").is_dir()


def read_magnetic_tile(top: Path, options: LoadOptions) -> AnomalyData:
    """Read the magnetic tiles of Huang et al. (2020), good ones split by their names."""
    free = images_below(top / "MT_Free", "MT_Free", {".jpg"})
    normal = [Sample(path, anomalous=False) for path in free]
    train, validation, good = options.hold_out(normal, top)
    folders = [place for place in sorted(top.glob("MT_*")) if place.name != "MT_Free"]
    bad = [path for place in folders for path in walk(place, {".jpg"})]
    found = match_masks(
        [Sample(path, anomalous=True, defect=path.parts[-3][3:].lower()) for path in bad],
        dict.fromkeys(bad, top),
        {path: top for place in folders for path in walk(place, {".png"})},
        "MT_<defect>/Imgs",
    )
    notes = found.note(top) + left_out(top, [*folders, top / "MT_Free"])
    return options.data(top, (train, validation, [*good, *found.samples]), notes)


MAGNETIC_TILE = Layout(
    "magnetic_tile", "MT_Free/Imgs and MT_<defect>/Imgs", is_magnetic_tile, read_magnetic_tile
)
