import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from hardsight.core.files import (
    working_folder,
    write_atomically,
    write_tensors,
    write_whole,
)


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
        write_whole(path, lambda part: part.write_text("new \ud800", "utf-8"))
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["b.json"]


def test_tensors_are_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a" / "b.safetensors"
    write_tensors(path, {"x": torch.arange(3)})
    strided = torch.arange(6).view(2, 3).T
    with pytest.raises((SafetensorError, ValueError)):
        write_tensors(path, {"x": strided})
    assert load_file(path)["x"].tolist() == [0, 1, 2]
    assert [p.name for p in path.parent.iterdir()] == ["b.safetensors"]


def test_a_working_folder_is_the_one_given_or_goes_afterwards(tmp_path):
    with working_folder(tmp_path) as place:
        assert place == tmp_path
    assert tmp_path.is_dir()
    with working_folder(None) as place:
        (place / "file").touch()
    assert not place.exists()


def test_two_writers_of_one_file_do_not_mix(tmp_path):
    path, seen = tmp_path / "a.txt", []

    def first(part):
        part.write_text("first, which is longer")
        write_whole(path, second)  # in the middle of it, by the same process

    def second(part):
        seen.append(sorted(p.name for p in tmp_path.iterdir()))
        part.write_text("second")

    write_whole(path, first)
    assert path.read_text() == "first, which is longer"
    assert len(seen[0]) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_line_ends_are_written_as_they_are(tmp_path):
    assert write_atomically(tmp_path / "t.csv", "a\r\nb\n").read_bytes() == b"a\r\nb\n"
