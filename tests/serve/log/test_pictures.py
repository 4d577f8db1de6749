"""Pictures beside the log: a policy and a budget."""

import pytest
from records import decisions

from hardsight.serve.log.pictures import PictureStore, Policy


@pytest.mark.parametrize(("keep", "kept"), [("all", 6), ("alarms", 2), ("none", 0)])
def test_the_policy_says_whose_pictures_are_kept(keep, kept):
    assert sum(map(Policy(keep).wants, decisions(6))) == kept


def test_the_oldest_go_when_the_budget_is_spent(tmp_path):
    store = PictureStore(tmp_path / "pictures", Policy("all", budget=100))
    ids = [row.id for row in decisions(5)]
    for each in ids:
        store.write(each, {"thumbnail.jpg": b"t" * 15, "heat.png": b"h" * 15})
    kept = [(e, p) for e in ids for p in ("thumbnail.jpg", "heat.png") if store.read(e, p)]
    assert kept == [(e, p) for e in ids[2:] for p in ("thumbnail.jpg", "heat.png")]
    assert store.used == 90
    again = PictureStore(tmp_path / "pictures", Policy("all", budget=100))
    assert again.used == 90
    again.write("0" * 36, {"heat.png": b"x" * 101})
    assert again.used == 0, "what is larger than the budget finds no place"


def test_a_picture_that_cannot_be_written_is_left_out_with_a_warning(tmp_path, caplog):
    (tmp_path / "pictures").write_text("a file where the folder would be")
    store = PictureStore(tmp_path / "pictures", Policy("all"))
    store.write("1" * 36, {"heat.png": b"x"})
    assert "left out" in caplog.text
    assert store.used == 0


def test_a_picture_that_cannot_be_removed_stands_in_no_decisions_way(tmp_path, caplog):
    (tmp_path / "0" / "old.heat.png").mkdir(parents=True)
    store = PictureStore(tmp_path, Policy("all", budget=100))
    store.write("1" * 36, {"heat.png": b"x" * 100})
    assert store.read("1" * 36, "heat.png") == b"x" * 100
    assert "left where it is" in caplog.text


def test_folders_that_are_empty_go_too(tmp_path):
    store = PictureStore(tmp_path / "pictures", Policy("all", budget=10))
    for digit in "123":
        store.write(digit * 36, {"heat.png": b"x" * 10})
    assert [path.name for path in store.folder.iterdir()] == ["3" * 8]


def test_a_wrong_policy_is_refused():
    with pytest.raises(ValueError, match="alarms or none"):
        Policy("some")
    with pytest.raises(ValueError, match="budget=-1"):
        Policy(budget=-1)
