import pytest

from hardsight.files import write_atomically


def test_replaces_and_makes_folders(tmp_path):
    path = tmp_path / "a" / "b.json"
    assert write_atomically(path, "old") == path
    write_atomically(path, "new")
    assert path.read_text() == "new"
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]


def test_a_failed_write_leaves_the_old_file_and_no_part(tmp_path):
    path = tmp_path / "b.json"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):  # fails after the part was opened
        write_atomically(path, "new \ud800")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["b.json"]
