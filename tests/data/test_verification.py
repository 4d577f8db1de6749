from pathlib import Path

import pytest

import trees
from hardsight.data import LayoutError, verify


def test_counts_that_are_not_official_are_named(tmp_path: Path) -> None:
    trees.mvtec(tmp_path / "bottle")
    trees.mvtec(tmp_path / "mine")
    found = verify(tmp_path)
    bottle, mine = found.categories
    assert (bottle.name, bottle.layout, mine.official) == ("bottle", "mvtec", None)
    assert bottle.published is not None
    assert bottle.published.title == "MVTec AD"
    assert bottle.problems == (
        "10 train instead of 209",
        "2 good instead of 20",
        "6 anomalous instead of 63",
        "6 masks instead of 63",
    )
    assert mine.problems == ()
    ((one, names),) = found.missing
    assert one.title == "MVTec AD"
    assert len(names) == 14
    assert "cable" in names
    assert not found.is_sound


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    top = trees.mvtec(tmp_path / "mine")
    (top / "train" / "good" / "003.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (top / "ground_truth" / "dent" / "001_mask.png").write_bytes(b"")
    seen = []
    found = verify(top, lambda stage, done, total, info="": seen.append((stage, done, total)))
    (one,) = found.categories
    assert len(one.problems) == 2
    assert all(name in "".join(one.problems) for name in ("003.png", "001_mask.png"))
    assert seen[-1] == ("mine", 18, 18)
    assert not found.is_sound


def test_a_category_that_cannot_be_read_is_a_problem_and_no_error(tmp_path: Path) -> None:
    trees.mvtec(tmp_path / "good_one")
    (tmp_path / "empty" / "train" / "good").mkdir(parents=True)
    found = verify(tmp_path)
    assert [one.name for one in found.categories if one.problems] == ["empty"]
    assert "is empty" in found.categories[0].problems[0]


def test_the_sum_is_checked_where_categories_are_not_known(tmp_path: Path) -> None:
    for name in ("can", "fabric", "fruit_jelly", "rice", "sheet_metal", "vial", "wallplugs"):
        trees.mvtec_ad2(tmp_path / name)
    assert verify(tmp_path).problems == ()  # walnuts are missing, so there is nothing to add up
    trees.mvtec_ad2(tmp_path / "walnuts")
    found = verify(tmp_path)
    assert found.missing == ()
    assert "MVTec AD 2 in all: 80 train instead of 2528" in found.problems
    assert not any(one.problems for one in found.categories)


@pytest.mark.parametrize("name", ["kolektor_sdd", "kolektor_sdd2", "head_ct", "brats2021"])
def test_a_set_without_categories_is_checked_as_one(tmp_path: Path, name: str) -> None:
    (one,) = verify(getattr(trees, name)(tmp_path / "here")).categories
    assert (one.name, one.layout) == ("here", name)
    assert one.published is not None
    assert bool(one.problems) == (name != "brats2021")


def test_own_data_are_sound_if_they_can_be_read(tmp_path: Path) -> None:
    assert verify(trees.mvtec(tmp_path / "mine")).is_sound


def test_what_is_not_there_says_where_it_is_to_be_had(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"visa' does not exist; .*did you mean VisA\? It is to be had from"
    ):
        verify(tmp_path / "visa")
    (tmp_path / "mpdd").mkdir()
    with pytest.raises(
        LayoutError, match=r"did you mean MPDD\? It is to be had from .*licence: CC BY-NC-SA 4\.0"
    ):
        verify(tmp_path / "mpdd")
