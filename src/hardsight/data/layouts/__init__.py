"""Known arrangements of folders, and ``load``, which recognises them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.files import existing_folder, subfolders
from hardsight.data.labelled import LabelledImages, Part
from hardsight.data.layouts.cifar10 import cifar10
from hardsight.data.layouts.good_bad import GOOD_BAD
from hardsight.data.layouts.layout import Layout, LayoutError
from hardsight.data.layouts.mnist import mnist
from hardsight.data.layouts.mvtec import MVTEC
from hardsight.data.layouts.mvtec_ad2 import MVTEC_AD2
from hardsight.data.options import LoadOptions

LAYOUTS: dict[str, Layout] = {one.name: one for one in (MVTEC_AD2, MVTEC, GOOD_BAD)}
"""Name -> layout, in the order in which ``load`` tries them."""
LABELLED: dict[str, Callable[[str | Path, Part], LabelledImages]] = {
    "mnist": mnist,
    "cifar10": cifar10,
}
"""Name of a set of images with classes -> (path, part) -> images."""


def load(path: str | Path, category: str | None = None, **options: Any) -> AnomalyData:
    """Read a data set with the first of ``LAYOUTS`` that its folder is arranged as.

    Args:
        path: The category's folder, or the data set's with ``category``.
        category: A folder in ``path``; None if ``path`` is the category, or has none.
        options: Fields of ``LoadOptions``, such as ``size``, ``seed``, ``on_error``.

    Raises:
        FileNotFoundError: no such folder.
        LayoutError: no layout fits; the message says what each would want.
        TypeError: no such option.
        ValueError: ``path`` is a data set of several categories and none is given, or the
            layout's reader refuses it.
    """
    chosen = LoadOptions.of(**options)
    top = existing_folder(path, "path")
    if category is not None:
        if not (top / category).exists() and (known := _layout_of(top)) is not None:
            raise ValueError(
                f"path={str(top)!r} is a category itself ({known.name}); leave "
                f"category={category!r} out"
            )
        top = existing_folder(top / category, "path/category")
    layout = _layout_of(top)
    if layout is not None:
        return layout.read(top, chosen)
    found = _categories(top)
    if found:
        raise ValueError(
            f"path={str(top)!r} holds {len(found)} categories; "
            f"choose one with category=...: {', '.join(found)}"
        )
    wanted = "; or ".join(f"{one.wanted} ({one.name})" for one in LAYOUTS.values())
    held = ", ".join(place.name for place in subfolders(top)) or "no folder"
    raise LayoutError(
        f"path={str(top)!r} is arranged as no known layout. Wanted is {wanted}. Found: {held}. "
        "Rearrange it, or name the folders with --normal-dir, --abnormal-dir and --mask-dir of "
        "hardsight fit, in Python with hardsight.data.folder"
    )


def categories(root: str | Path) -> list[str]:
    """Return the names of the categories in a data set's folder, sorted.

    Raises:
        FileNotFoundError: no such folder.
        LayoutError: there is none in it.
    """
    top = existing_folder(root, "root")
    found = _categories(top)
    if not found:
        wanted = "; or ".join(one.wanted for one in LAYOUTS.values())
        raise LayoutError(f"root={str(top)!r} holds no category, a folder with {wanted}")
    return found


def _layout_of(top: Path) -> Layout | None:
    """Return the first layout that a folder is arranged as."""
    return next((layout for layout in LAYOUTS.values() if layout.match(top)), None)


def _categories(top: Path) -> list[str]:
    return sorted({name for layout in LAYOUTS.values() for name in layout.categories_in(top)})
