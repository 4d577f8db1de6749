from pathlib import Path

import pytest

from hardsight.data import LayoutError, categories, load
from trees import mvtec, numbered, sizes, table, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    numbered(tmp_path / "shots", 12)
    write(tmp_path / "a_mask.png", tmp_path / "b_mask.png")
    return tmp_path


def rows(root: Path, *labels: str) -> list[list[str]]:
    return [[f"shots/{i:03}.png", label] for i, label in enumerate(labels)]


def test_a_list_without_split_is_split_by_names(root: Path) -> None:
    file = table(root / "parts.csv", ["image", "label"], rows(root, *["OK"] * 10, "bad", "1"))
    data = load(file, size=8)
    assert (data.name, data.root) == ("parts", root)
    assert sizes(data) == (6, 2, 4)
    assert [s.anomalous for s in data.test.samples] == [False] * 2 + [True] * 2
    assert data.test.names[-1] == "shots/011.png"
    assert data.test.masks() is None


def test_columns_in_any_order_with_splits_masks_and_defects(root: Path) -> None:
    columns = ["split", "image", "seen by", "label", "mask", "defect"]
    lines = [["train", f"shots/{i:03}.png", "x", "normal", "", ""] for i in range(5)]
    lines += [["validation", f"shots/{i:03}.png", "", "normal", "", ""] for i in (5, 6)]
    lines += [["test", "shots/007.png", "", "normal", "", ""]]
    lines += [["test", "shots/008.png", "", "anomaly", "a_mask.png; b_mask.png", "scratch"]]
    table(root / "images.csv", columns, lines)
    data = load(root, size=8)
    assert data.name == root.name
    assert sizes(data) == (5, 2, 2)
    assert [s.defect for s in data.test.samples] == ["good", "scratch"]
    assert [len(s.masks) for s in data.test.samples] == [0, 2]
    assert data.test.masks() is not None


def test_categories_are_the_objects(root: Path) -> None:
    lines = [[*row, "nut" if i % 2 else "bolt"] for i, row in enumerate(rows(root, *["ok"] * 12))]
    file = table(root / "images.csv", ["image", "label", "object"], lines)
    assert categories(root) == categories(file) == ["bolt", "nut"]
    for place in (root, file):
        assert len(load(place, "nut", size=8).train.samples) == 4
        assert load(place, "nut", size=8).name == "nut"
        with pytest.raises(ValueError, match=r"holds 2 categories; choose .*: bolt, nut"):
            load(place)
        with pytest.raises(ValueError, match="has no category 'nuts'; choose from bolt, nut"):
            load(place, "nuts")


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("image", "shots/0O3.png", "row 3, column image: 'shots/0O3.png' is no file in .*mean"),
        ("label", "fine", "row 3, column label: 'fine' is none of normal, good"),
        ("split", "dev", "row 3, column split: 'dev' is none of train, validation, test"),
        ("mask", "c.png", "row 3, column mask: 'c.png' is no file"),
        ("split", "", "column split is empty in some rows; fill all of them, or none"),
        ("label", "bad", "row 3, column split: an anomalous image cannot be of train"),
    ],
)
def test_errors_name_row_and_column(root: Path, column: str, cell: str, message: str) -> None:
    columns = ["image", "label", "split", "mask"]
    lines = [[f"shots/{i:03}.png", "normal", "train", ""] for i in range(4)]
    lines[1][columns.index(column)] = cell
    with pytest.raises(LayoutError, match=message):
        load(table(root / "parts.csv", columns, lines))


def test_errors_of_a_whole_table(root: Path) -> None:
    file = table(root / "parts.csv", ["picture", "label"], rows(root, "ok"))
    with pytest.raises(LayoutError, match=r"row 1: no column image; it has: picture, label"):
        load(file)
    table(file, ["image", "label"], [["shots/000.png", "ok"], ["shots/001.png"]])
    with pytest.raises(LayoutError, match="row 3: 1 cells, but row 1 names 2 columns"):
        load(file)
    file.write_bytes("image,label\ngrün.png,ok\n".encode("latin-1"))
    with pytest.raises(LayoutError, match=r"parts\.csv is no CSV file in UTF-8 .*; save it as one"):
        load(file)
    table(file, ["image", "label"], [])
    with pytest.raises(LayoutError, match="has no row"):
        load(file)


def test_a_list_of_something_else_does_not_hide_folders(tmp_path: Path) -> None:
    table(mvtec(tmp_path / "bottle") / "images.csv", ["name", "camera"], [["x", "y"]])
    table(tmp_path / "images.csv", ["name", "camera"], [["x", "y"]])
    assert categories(tmp_path) == ["bottle"]
    assert sizes(load(tmp_path, "bottle", size=8)) == (8, 2, 8)
