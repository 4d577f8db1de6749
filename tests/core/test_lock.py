"""One process at a time writes in a folder, and the other one is named."""

import errno
import os

import pytest

from hardsight.core.lock import LOCK, FolderInUseError, locked
from holding import held_by_another


def test_a_second_process_is_refused_until_the_first_has_ended_however_that_is(tmp_path):
    with held_by_another(tmp_path) as other:
        said = f"{tmp_path} is in use: process {other.pid} writes there; wait until it has ended"
        with pytest.raises(FolderInUseError, match=said), locked(tmp_path):
            pass
        assert (tmp_path / LOCK).exists()
        other.kill()
        other.wait()
        assert (tmp_path / LOCK).exists()  # and is no obstacle
        with locked(tmp_path):
            pass
    assert not (tmp_path / LOCK).exists()


def test_the_process_that_holds_a_folder_may_hold_it_again(tmp_path):
    with locked(tmp_path):
        with locked(tmp_path / "." / ""):
            pass
        assert (tmp_path / LOCK).exists()
        with locked(tmp_path / "below"):
            pass
    assert list(tmp_path.iterdir()) == []


def test_folders_that_were_made_for_nothing_are_removed(tmp_path):
    with locked(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path / "a" / "b"):
        (tmp_path / "a" / "kept").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["kept"]


def test_a_folder_that_is_replaced_is_held_from_beside_it(tmp_path):
    place = tmp_path / "above" / "here"
    with locked(place, beside=True):
        assert not place.exists()
        (tmp_path / "new").mkdir()
        (tmp_path / "new").rename(place)
    assert [path.name for path in place.parent.iterdir()] == ["here"]
    with held_by_another(place, beside=True) as other:
        said = f"{place} is in use: process {other.pid} writes there"
        with pytest.raises(FolderInUseError, match=said), locked(place, beside=True):
            pass
        assert list(place.iterdir()) == []


def test_a_full_disk_holds_a_folder_by_nobodys_name_and_lets_go(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    for _ in range(2):
        with locked(tmp_path):
            assert (tmp_path / LOCK).read_bytes() == b""
        assert not (tmp_path / LOCK).exists()


def test_links_that_lead_in_a_circle_are_an_error_of_the_system(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop"), locked(tmp_path / "loop" / "run"):
        pass


def test_what_goes_wrong_inside_lets_go(tmp_path):
    with pytest.raises(KeyError), locked(tmp_path):
        raise KeyError
    assert not (tmp_path / LOCK).exists()
