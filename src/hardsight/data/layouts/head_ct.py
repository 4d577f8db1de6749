"""Head-CT, slices of the head with and without a haemorrhage, told apart by ``labels.csv``."""

import csv
from pathlib import Path

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.files import walk
from hardsight.data.image_set import Sample
from hardsight.data.layouts.layout import Layout, LayoutError
from hardsight.data.options import LoadOptions

FILE = "labels.csv"


def is_head_ct(top: Path) -> bool:
    """Tell whether a folder has ``head_ct`` and ``labels.csv`` with the column hemorrhage."""
    file = top / FILE
    if not (file.is_file() and (top / "head_ct").is_dir()):
        return False
    with file.open(encoding="utf-8-sig") as opened:
        return "hemorrhage" in opened.readline()


def read_head_ct(top: Path, options: LoadOptions) -> AnomalyData:
    """Read Head-CT (Kitamura, 2018): 200 slices, half of them with a haemorrhage, no masks.

    There is no official split: normal slices are held out by their names, as ``LoadOptions`` says.

    Raises:
        LayoutError: a row of the file is none, or names a slice that is not there.
    """
    slices = {path.stem: path for path in walk(top / "head_ct")}
    normal, anomalous = [], []
    with (top / FILE).open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.reader(opened)
        next(rows)
        for number, row in enumerate(rows, start=2):
            cells = [cell.strip() for cell in row]
            place = f"{top / FILE}, row {number}"
            if len(cells) != 2 or cells[1] not in ("0", "1"):
                raise LayoutError(f"{place}, column hemorrhage: {row} is no id with 0 or 1")
            path = slices.get(cells[0].zfill(3))
            if path is None:
                raise LayoutError(f"{place}, column id: no slice {cells[0].zfill(3)}.png")
            if cells[1] == "1":
                anomalous.append(Sample(path, anomalous=True, defect="hemorrhage"))
            else:
                normal.append(Sample(path, anomalous=False))
    train, validation, good = options.hold_out(normal, top / "head_ct")
    return options.data(top, (train, validation, [*good, *anomalous]))


HEAD_CT = Layout("head_ct", f"{FILE} and head_ct/<id>.png", is_head_ct, read_head_ct)
