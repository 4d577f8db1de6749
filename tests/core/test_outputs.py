from pathlib import Path

import pytest

from hardsight.core.outputs import check_file, check_folder

NOWHERE = Path("/proc")
"""Takes no new file, whoever asks."""
needs_proc = pytest.mark.skipif(not (NOWHERE / "self").exists(), reason="there is no /proc")


def test_places_that_can_be_made_are_left_as_they_were(tmp_path):
    check_folder(tmp_path / "a/b", "--output")
    check_file(tmp_path / "a/b.csv", "--output")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "b.csv").touch()
    check_file(tmp_path / "b.csv", "--output")
    check_folder(tmp_path, "--output")
    check_file(Path("/dev/null"), "--output")


def test_a_relative_place_lies_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_folder(Path("runs/parts"), "--run")
    check_file(Path("scores.csv"), "--output")


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    taken = tmp_path / "taken"
    taken.touch()
    for check, place in (
        (check_folder, taken),
        (check_folder, taken / "a"),
        (check_file, taken / "a"),
    ):
        with pytest.raises(ValueError, match=f"--run .*: {taken} is a file, not a folder; name"):
            check(place, "--run")
    with pytest.raises(ValueError, match=f"--output {tmp_path} is a folder; name a file in it"):
        check_file(tmp_path, "--output")


@needs_proc
def test_a_place_that_takes_nothing_is_named():
    for check, place in ((check_folder, NOWHERE / "x/y"), (check_file, NOWHERE / "x.csv")):
        with pytest.raises(
            ValueError, match=r"--output /proc/x.*: nothing can be written in /proc"
        ):
            check(place, "--output")
