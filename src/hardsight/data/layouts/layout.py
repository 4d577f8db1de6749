"""One record a layout: how a data set's folders are recognised and read."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.files import IMAGE_EXTENSIONS, images_below, relative_name, subfolders, walk
from hardsight.data.image_set import Sample
from hardsight.data.options import LoadOptions

GOOD = frozenset({"good", "good_parts", "ok", "okay", "normal", "normals", "nominal"})
"""Names of a folder of good parts, in lower case with underscores."""


class LayoutError(ValueError):
    """The folder is not arranged as a layout wants it; another layout may fit."""


@dataclass(frozen=True)
class Layout:
    """An arrangement of folders.

    ``match`` tells whether a folder is one category (or a whole data set) of this layout, and
    ``read`` reads one that is.
    """

    name: str
    wanted: str
    """What the folder must hold, in words for an error."""
    match: Callable[[Path], bool]
    read: Callable[[Path, LoadOptions], AnomalyData]
    categories: Callable[[Path], Iterable[str]] | None = None
    """Folder of a data set -> its categories; None: the folders in it that match."""

    def categories_in(self, root: Path) -> list[str]:
        """Return the names of the categories in a data set's folder, sorted."""
        if self.categories is not None:
            return sorted(self.categories(root))
        return [path.name for path in subfolders(root) if self.match(path)]


def is_good(folder: Path) -> bool:
    """Return whether a folder is named as one of good parts; see ``GOOD``."""
    return folder.name.lower().replace(" ", "_").replace("-", "_") in GOOD


def good_folders(place: Path) -> list[Path]:
    """Return the folders of good parts in a folder, sorted."""
    return [path for path in subfolders(place) if is_good(path)]


def normal_samples(folder: Path, root: Path) -> list[Sample]:
    """Return the images below a folder as normal samples.

    Raises:
        ValueError: there is none.
    """
    paths = images_below(folder, relative_name(folder, root), IMAGE_EXTENSIONS)
    return [Sample(path, anomalous=False) for path in paths]


def left_out(root: Path, read: Collection[Path]) -> list[str]:
    """Return a sentence about the folders with images that were not read, if there are any."""
    others = [p for p in subfolders(root) if p not in read and next(walk(p), None) is not None]
    return [f"left out, for its layout does not know it: {path.name}" for path in others]
