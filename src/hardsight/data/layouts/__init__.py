"""Known arrangements of folders, and ``load``, which recognises them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hardsight.core.near import similar, subfolders
from hardsight.core.words import listed
from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.files import existing_folder, is_image_name
from hardsight.data.labelled import LabelledImages, Part
from hardsight.data.layouts.brats2021 import BRATS2021
from hardsight.data.layouts.btad import BTAD
from hardsight.data.layouts.cifar10 import cifar10
from hardsight.data.layouts.coco import COCO
from hardsight.data.layouts.digits import digits
from hardsight.data.layouts.good_bad import GOOD_BAD
from hardsight.data.layouts.head_ct import HEAD_CT
from hardsight.data.layouts.kolektor_sdd import KOLEKTOR_SDD
from hardsight.data.layouts.kolektor_sdd2 import KOLEKTOR_SDD2
from hardsight.data.layouts.layout import Layout, LayoutError
from hardsight.data.layouts.mnist import mnist
from hardsight.data.layouts.mvtec import MVTEC
from hardsight.data.layouts.mvtec_ad2 import MVTEC_AD2
from hardsight.data.layouts.mvtec_loco import MVTEC_LOCO
from hardsight.data.layouts.one_class import CIFAR10_ONE_CLASS, MNIST_ONE_CLASS
from hardsight.data.layouts.table import TABLE
from hardsight.data.layouts.visa import VISA
from hardsight.data.options import LoadOptions
from hardsight.data.places import named_on_disk
from hardsight.data.published import obtainable

LAYOUTS: dict[str, Layout] = {
    one.name: one
    for one in (
        TABLE,
        MVTEC_AD2,
        MVTEC_LOCO,
        BTAD,
        MVTEC,
        VISA,
        KOLEKTOR_SDD2,
        KOLEKTOR_SDD,
        HEAD_CT,
        BRATS2021,
        CIFAR10_ONE_CLASS,
        MNIST_ONE_CLASS,
        COCO,
        GOOD_BAD,
    )
}
"""Name -> layout, in the order in which ``load`` tries them."""
LABELLED: dict[str, Callable[[str | Path, Part], LabelledImages]] = {
    "mnist": mnist,
    "cifar10": cifar10,
    "digits": digits,
}
"""Name of a set of images with classes -> (path, part) -> images."""


def load(path: str | Path, category: str | None = None, **options: Any) -> AnomalyData:
    """Read a data set with the first of ``LAYOUTS`` that its folder is arranged as.

    Args:
        path: The category's folder, or the data set's with ``category``, or a table's file; or the
            URL of one, see ``hardsight.data.places.on_disk``.
        category: One in ``path``; None if ``path`` is the category, or has none.
        options: Fields of ``LoadOptions``, such as ``size``, ``seed``, ``on_error``.

    Raises:
        FileNotFoundError: no such folder.
        LayoutError: no layout fits; the message says what each would want.
        TypeError: no such option.
        ValueError: ``path`` is a data set of several categories and none is given, the layout has
            no such ``split``, or its reader refuses what is there.
    """
    chosen = LoadOptions.of(**options)
    with named_on_disk(path) as there:
        layout = _demand_layout(there.root, category)
        _demand_split(layout, chosen.split)
        there.fetch(category)
        top = there.root if category is None else there.root / category
        return layout.read(top, chosen)


def categories(root: str | Path) -> list[str]:
    """Return the names of the categories in a data set's folder, or at its URL, sorted.

    Raises:
        FileNotFoundError: no such folder.
        LayoutError: there is none in it.
    """
    with named_on_disk(root) as there:
        top = there.root
        found = _categories(top)
        if not found:
            _existing(top, "root")
            wanted = "; or ".join(one.wanted for one in LAYOUTS.values())
            raise LayoutError(
                f"root={str(top)!r} holds no category, a folder with {wanted}{obtainable(top)}"
            )
        return found


def layout_of(top: Path) -> Layout | None:
    """Return the first layout that a category is arranged as."""
    return next((layout for layout in LAYOUTS.values() if layout.match(top)), None)


def _demand_layout(root: Path, category: str | None) -> Layout:
    """Return the layout of a data set, or of a category of it; see ``load`` for what is refused."""
    top = root if category is None else root / category
    layout = layout_of(top)
    if layout is not None:
        return layout
    if category is not None:
        _demand_category(root, category)
    found = _categories(_existing(top, "path"))
    if found:
        raise ValueError(
            f"path={str(top)!r} holds {len(found)} categories; "
            f"choose one with category=... (--category) or by its folder: {', '.join(found)}"
        )
    arranged, held = _arranged(top)
    known = reversed(LAYOUTS.values()) if arranged else [GOOD_BAD]
    raise LayoutError(
        f"path={str(top)!r} is arranged as no known layout: {held}, or name the "
        "folders with --normal-dir, --abnormal-dir and --mask-dir of hardsight fit, in Python with "
        f"hardsight.data.folder{obtainable(top)}. "
        f"Wanted is {'; or '.join(f'{one.wanted} ({one.name})' for one in known)}"
    )


def _arranged(top: Path) -> tuple[bool, str]:
    """Return whether a folder has an order, of no loose images, and in words what it holds."""
    folders = [place.name for place in subfolders(top)]
    files = sorted(place.name for place in top.iterdir() if place.is_file())
    loose = sum(is_image_name(name) for name in files)
    if not folders and not files:
        return False, "it is empty; put the good parts into good/"
    if not loose:
        return True, f"it holds {listed(folders or files)}; rearrange it"
    also = f", beside the folders {listed(folders)}" if folders else ""
    number = "an image lies" if loose == 1 else f"{loose} images lie"
    return False, f"{number} directly in it{also}; move the good ones into good/"


def _demand_category(root: Path, category: str) -> None:
    """Refuse a category that a data set does not hold, or that is one itself."""
    if (root / category).exists():
        return
    known = layout_of(root)
    found = _categories(root) if known is None else known.categories_in(root)
    if known is not None and not found:
        raise ValueError(
            f"path={str(root)!r} is a category itself ({known.name}); leave "
            f"category={category!r} out"
        )
    if found and not any((root / name).exists() for name in found):
        raise ValueError(
            f"path={str(root)!r} has no category {category!r}; choose from {', '.join(found)}"
        )
    _existing(root, "path")
    _existing(root / category, "path/category")


def _existing(path: Path, argument: str) -> Path:
    """Return a folder that must exist; the error says how to obtain a published set.

    That is not asked for where the folder's name may be mistyped, or is that of a file.
    """
    try:
        return existing_folder(path, argument)
    except FileNotFoundError as error:
        if path.exists() or similar(path):
            raise
        raise FileNotFoundError(f"{error}{obtainable(path)}") from None


def _demand_split(layout: Layout, split: str | None) -> None:
    if split is not None and split not in layout.splits:
        known = f"choose from {', '.join(layout.splits)}, or " if layout.splits else ""
        raise ValueError(
            f"split={split!r} is no split of the layout {layout.name}; {known}leave it out for the "
            "official one"
        )


def _categories(top: Path) -> list[str]:
    return sorted({name for layout in LAYOUTS.values() for name in layout.categories_in(top)})
