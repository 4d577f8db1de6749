from pathlib import Path

import pytest

from hardsight.core.near import check_there, near_names, similar, subfolders


@pytest.fixture
def top(tmp_path):
    for name in ("bottle", "bottles", "wire", ".hidden", "__MACOSX"):
        (tmp_path / name).mkdir()
    (tmp_path / "x.y").touch()
    return tmp_path


def test_folders_are_sorted_and_those_of_the_system_left_out(top):
    assert subfolders(top) == [top / "bottle", top / "bottles", top / "wire"]
    assert subfolders(top / "x.y") == subfolders(top / "nowhere") == []


def test_a_missing_path_is_answered_by_names_near_its_first_missing_part(top):
    assert similar(top / "Botles/train") == [top / "bottles", top / "bottle"]
    assert near_names(top / "wires") == f"; did you mean '{top / 'wire'}'?"


def test_a_near_name_with_the_rest_of_the_path_below_it_is_named_whole(top):
    (top / "bottles/train").mkdir()
    assert similar(top / "Botles/train") == [top / "bottles/train", top / "bottle"]


def test_what_cannot_be_meant_is_not_named(top):
    (top / "bottles/train").mkdir()
    assert similar(top / "botle", lambda path: (path / "train").is_dir()) == [top / "bottles"]
    assert near_names(top / "botle", "make one", Path.is_file) == "; make one"


def test_a_mistyped_path_is_refused_and_what_may_be_known_elsewhere_let_pass(top):
    with pytest.raises(FileNotFoundError, match=f"^--data='{top}/botle' does not exist; did you"):
        check_there(f"{top}/botle", "--data")
    for known in ("wire", "qqq", "botle://x"):
        check_there(f"{top}/{known}", "--data")


def test_without_a_near_name_another_sentence_or_what_is_there_is_said(top):
    assert near_names(top / "qqq", "make one") == "; make one"
    assert near_names(top / "qqq") == f"; '{top}' holds: bottle, bottles, wire, x.y"


def test_nothing_is_said_of_what_is_there(top):
    assert near_names(top / "bottle") == ""


def test_a_link_to_nothing_is_no_mistyped_name(top):
    (top / "self").symlink_to("self")
    assert near_names(top / "self") == "; it is a link to nothing"


def test_a_url_that_became_a_path_is_said_as_a_url(tmp_path):
    assert near_names(tmp_path / "s3:/line/parts") == "; did you mean 's3://line/parts'?"
