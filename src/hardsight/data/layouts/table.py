"""CSV lists of images: a file, or ``images.csv`` in a folder."""

from pathlib import Path

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.layouts.layout import Layout, LayoutError
from hardsight.data.layouts.rows import REQUIRED, columns, divided, objects, read_rows
from hardsight.data.options import LoadOptions

FILE = "images.csv"


def is_table(top: Path) -> bool:
    """Tell whether a path is a table, a folder with ``FILE``, or a category that one names."""
    file = _file(top)
    if file is None or file == top:
        return file is not None
    known = set(REQUIRED) <= set(columns(file))
    return known and (file == top / FILE or top.name in objects(file))


def read_table(top: Path, options: LoadOptions) -> AnomalyData:
    """Read the images that a table names, see ``read_rows``."""
    file = _file(top)
    if file is None:
        raise LayoutError(f"{str(top)!r} is no table and has no {FILE}")
    category = None if file in (top, top / FILE) else top.name
    if category is None and len(found := objects(file)) > 1:
        raise ValueError(
            f"{file} holds {len(found)} categories; choose one with category=... (--category): "
            f"{', '.join(found)}"
        )
    rows = read_rows(file, category)
    name = category or (file.stem if file == top else top.resolve().name)
    return options.data(file.parent, divided(rows, options, file.parent), name=name)


def _file(top: Path) -> Path | None:
    """Return the table that a path is, holds, or is a category of."""
    for file in (top, top / FILE, top.parent, top.parent / FILE):
        if file.suffix.lower() == ".csv" and file.is_file():
            return file
    return None


def _categories(root: Path) -> list[str]:
    file = _file(root)
    is_of_root = file in (root, root / FILE) and is_table(root)
    return objects(file) if file is not None and is_of_root else []


TABLE = Layout(
    "table",
    f"{FILE} with the columns image and label, and perhaps split, mask, object and defect",
    is_table,
    read_table,
    _categories,
)
