"""Damaged JSON files are named with what is wrong and the way out."""

import re

import pytest

from hardsight.core.json_files import read_json, read_object


def test_the_object_of_a_file_is_returned(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"k": "ä"}', encoding="utf-8")
    assert read_object(path, "restore it") == {"k": "ä"}
    assert read_json(path, "restore it", lambda found: found["k"]) == "ä"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[]", "it holds no object but a list"),
        (b"null", "it holds no object but a NoneType"),
        (b'{"seconds": 1.', "Expecting|delimiter"),
        (b"", "Expecting value"),
        (b'"\xff"', "utf-8"),
        (b"{}", "it has no 'seconds'"),
        (b'{"seconds": []}', "float"),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong_and_the_way_out(tmp_path, content, why):
    path = tmp_path / "metrics.json"
    path.write_bytes(content)
    said = rf"{re.escape(str(path))} is damaged \(.*({why}).*\); fit again"
    with pytest.raises(ValueError, match=said):
        read_json(path, "fit again", lambda found: float(found["seconds"]))


def test_a_file_that_is_none_of_what_is_asked_for_is_told_so(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("[1]")
    with pytest.raises(ValueError, match=r"a\.json is not an audit \(.*\); delete it"):
        read_json(path, "delete it", dict, fault="not an audit")


def test_a_list_is_read_where_one_is_asked_for(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("[1, 2]")
    assert read_json(path, "make it anew", sum, holds=list) == 3
    path.write_text("{}")
    with pytest.raises(ValueError, match=r"damaged \(it holds no list but a dict\); make it anew"):
        read_json(path, "make it anew", sum, holds=list)


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_object(tmp_path / "none.json", "restore it")
