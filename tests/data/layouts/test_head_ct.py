from pathlib import Path

import pytest

from hardsight.data import LayoutError, load
from trees import head_ct, sizes, table


def test_labels_say_what_is_anomalous(tmp_path: Path) -> None:
    data = load(head_ct(tmp_path), size=8)
    assert sizes(data) == (6, 2, 2 + 3)
    bad = [name for name, s in zip(data.test.names, data.test.samples, strict=True) if s.anomalous]
    assert bad == [f"head_ct/{i:03}.png" for i in range(3)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["1", "yes"], "row 3, column hemorrhage: .*'yes'.* is no id with 0 or 1"),
        (["77", "0"], r"row 3, column id: no slice 077\.png"),
    ],
)
def test_errors_name_row_and_column(tmp_path: Path, row: list[str], message: str) -> None:
    table(head_ct(tmp_path) / "labels.csv", ["id", " hemorrhage"], [["0", "1"], row])
    with pytest.raises(LayoutError, match=message):
        load(tmp_path)
