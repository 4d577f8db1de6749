"""One record a layout: how a data set's folders are recognised and read."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from hardsight.core.near import subfolders
from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.files import (
    IMAGE_EXTENSIONS,
    images_below,
    means_good,
    relative_name,
    walk,
    worker_threads,
)
from hardsight.data.image_set import Sample
from hardsight.data.masks import share_marked
from hardsight.data.options import LoadOptions


class LayoutError(ValueError):
    """The folder is not arranged as a layout wants it; another layout may fit."""


@dataclass(frozen=True)
class Layout:
    """An arrangement of folders.

    ``match`` tells whether a path is one category (or a whole data set) of this layout, and
    ``read`` reads one that is. A category need not be a folder: a layout that finds them in files
    names them by paths ``<data set>/<category>``.
    """

    name: str
    wanted: str
    """What the folder must hold, in words for an error."""
    match: Callable[[Path], bool]
    read: Callable[[Path, LoadOptions], AnomalyData]
    categories: Callable[[Path], Iterable[str]] | None = None
    """Folder of a data set -> its categories; None: the folders in it that match."""
    splits: tuple[str, ...] = ()
    """Names that ``LoadOptions.split`` may take; the official split needs none."""

    def categories_in(self, root: Path) -> list[str]:
        """Return the names of the categories in a data set's folder, sorted."""
        if self.categories is not None:
            return sorted(self.categories(root))
        return [path.name for path in subfolders(root) if self.match(path)]


def is_good(folder: Path) -> bool:
    """Return whether a folder is named as one of good parts; see ``GOOD``."""
    return means_good(folder.name)


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


def samples_beside_masks(
    folder: Path, ending: str, defect: Callable[[Path], str] = lambda _: "defect"
) -> list[Sample]:
    """Return the images below a folder whose masks lie beside them; those marked are anomalous.

    Every mask is decoded, for a normal image has one as well, all black.

    Args:
        folder: Of images and masks, with its subfolders.
        ending: What a mask's name has after its image's stem, e.g. ``_GT.png``.
        defect: Image -> the name of its defect.

    Raises:
        ImageError: a mask cannot be read.
        ValueError: no image has a mask.
    """
    images = [path for path in walk(folder) if not path.name.endswith(ending)]
    pairs = [(path, path.with_name(path.stem + ending)) for path in images]
    pairs = [(path, mask) for path, mask in pairs if mask.is_file()]
    if not pairs:
        raise ValueError(f"{str(folder)!r} holds no image <name> with a mask <name>{ending}")
    with worker_threads() as pool:
        marked = list(pool.map(lambda pair: share_marked(pair[1]) > 0, pairs))
    return [
        Sample(path, True, (mask,), defect(path)) if bad else Sample(path, anomalous=False)
        for (path, mask), bad in zip(pairs, marked, strict=True)
    ]


def left_out(root: Path, read: Collection[Path]) -> list[str]:
    """Return a sentence about the folders with images that were not read, if there are any."""
    others = [p for p in subfolders(root) if p not in read and next(walk(p), None) is not None]
    return [f"left out, for its layout does not know it: {path.name}" for path in others]
