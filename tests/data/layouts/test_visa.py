from pathlib import Path

import pytest

from hardsight.data import LayoutError, categories, load
from trees import masks_of, sizes, visa, write


def test_the_official_split_is_that_of_the_csv_file(tmp_path: Path) -> None:
    visa(tmp_path)
    visa(tmp_path, "pcb1")  # whose rows replace those of candle
    visa(tmp_path)
    assert categories(tmp_path) == ["candle", "pcb1"]
    data = load(tmp_path, "candle", size=8)
    assert data.name == "candle"
    assert sizes(data) == (7, 2, 5)
    held = {*data.train.names, *data.validation.names}
    assert held == {f"Data/Images/Normal/{i:04}.JPG" for i in range(9)}
    assert masks_of(data) == {
        f"Data/Images/Anomaly/{i:03}.JPG": [f"Data/Masks/Anomaly/{i:03}.png"] for i in range(2)
    }
    masks = data.test.masks()
    assert masks is not None
    assert masks.flatten(1).all(1).tolist() == [False] * 3 + [True] * 2  # class numbers count
    assert data.notes == ()


def test_images_that_the_split_does_not_name_are_told(tmp_path: Path) -> None:
    top = visa(tmp_path)
    write(top / "Data" / "Images" / "Normal" / "9999.JPG")
    (note,) = load(top, size=8).notes
    assert note == (
        "left out, for split_csv/1cls.csv does not name them: Data/Images/Normal/9999.JPG"
    )


def test_without_its_file_there_is_no_split(tmp_path: Path) -> None:
    top = visa(tmp_path)
    (top / "Data" / "Images" / "Normal" / "0003.JPG").unlink()
    with pytest.raises(LayoutError, match=r"1cls\.csv, row 5, column image: 'candle.*0003.JPG'"):
        load(top)
    (tmp_path / "split_csv" / "1cls.csv").unlink()
    with pytest.raises(LayoutError, match=r"1cls\.csv is missing"):
        load(top)


def test_patchguards_split_is_there_by_name_alone(tmp_path: Path) -> None:
    top = visa(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"split='patchguard'.*foreground_mask"):
        load(top, split="patchguard")
    write(*(top / "Data" / "Images" / "foreground_mask" / f"{i:04}.JPG" for i in range(2, 12)))
    data = load(top, size=8, split="patchguard")
    assert sizes(data) == (8, 2, 4)
    tested = [name.rpartition("/")[2] for name in data.test.names]
    assert tested == ["0000.JPG", "0001.JPG", "000.JPG", "001.JPG"]
    assert data.notes == (
        "split as PatchGuard's masks imply: not comparable to the official split",
    )
    assert sizes(load(top, size=8)) == (7, 2, 5)
