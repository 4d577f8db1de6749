import errno
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from loopback import decision

from hardsight.connections import connect
from hardsight.connections.hot_folder import STATE, HotFolder
from hardsight.core.lock import LOCK, FolderInUseError
from holding import held_by_another

UNREADABLE = Path("/proc/self/mem")
"""A file of Linux whose first byte is none, for the superuser too."""


@pytest.fixture
def incoming(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out"


def arrive(folder, name, content=b"pixels"):
    path = folder / name
    path.write_bytes(content)
    return path


def of(path, label=False):
    return decision(label, str(path), hashlib.sha256(path.read_bytes()).hexdigest())


def test_files_are_moved_by_their_label(incoming, target):
    paths = [arrive(incoming, name, name.encode()) for name in ("a.png", "b.png", "c.png")]
    sink = HotFolder(target)
    sink.send([of(paths[0]), of(paths[1], label=True)])
    sink.failed(str(paths[2]), "no image")
    assert (target / "good/a.png").read_bytes() == b"a.png"
    assert (target / "anomalous/b.png").read_bytes() == b"b.png"
    assert (target / "unreadable/c.png").read_bytes() == b"c.png"
    assert list(incoming.iterdir()) == []
    assert not (target / STATE).exists()
    assert sink.close() == []


def test_a_plan_that_a_full_disk_cut_off_costs_no_later_file_its_move(incoming, target):
    sink, path = HotFolder(target), arrive(incoming, "b.png")
    (target / STATE).write_text('{"source": "/in/a.p')
    sink.send([of(path)])
    assert (target / "good/b.png").is_file()
    assert not (target / STATE).exists()


@pytest.mark.skipif(not UNREADABLE.is_file(), reason="needs a file that nobody can read")
def test_a_file_that_the_system_does_not_let_be_read_is_left_and_ends_nothing(incoming, target):
    sink, path = HotFolder(target), arrive(incoming, "b.png")
    sink.failed(str(UNREADABLE), "it cannot be read (Input/output error)")
    sink.send([decision(False, str(UNREADABLE)), of(path)])
    assert (target / "good/b.png").is_file()
    (said,) = sink.close()
    assert "2 files were left where they are" in said


def test_files_are_sorted_into_a_folder_by_one_process_at_a_time(target):
    with held_by_another(target) as other:
        said = f"{target} is in use: process {other.pid} writes there"
        with pytest.raises(FolderInUseError, match=said):
            HotFolder(target)
    HotFolder(target).close()
    assert not (target / LOCK).exists()


def test_two_detectors_make_three_folders(incoming, target):
    sink = HotFolder(target)
    for verdict in ("good", "suspicious", "defect"):
        path = arrive(incoming, f"{verdict}.png", verdict.encode())
        sink.send([replace(of(path, label=verdict != "good"), verdict=verdict)])
        assert (target / verdict / path.name).read_bytes() == verdict.encode()
    assert list(incoming.iterdir()) == []


def test_files_of_one_name_are_all_kept(incoming, target):
    sink = HotFolder(target)
    for i in range(3):
        sink.send([of(arrive(incoming, "a.png", bytes([i])))])
    kept = {p.name: p.read_bytes() for p in (target / "good").iterdir()}
    assert kept == {"a.png": b"\0", "a-1.png": b"\1", "a-2.png": b"\2"}


def test_a_file_that_is_another_by_now_is_left_to_be_scored(incoming, target):
    path = arrive(incoming, "a.png")
    decided = of(path)
    path.write_bytes(b"the next part")
    sink = HotFolder(target)
    sink.send([decided])
    assert path.read_bytes() == b"the next part"
    assert "1 files were left where they are: they changed after they" in sink.close()[0]


def test_frames_of_a_camera_have_no_file_to_move(target):
    sink = HotFolder(target)
    sink.send([decision(source="camera-0/000001")])
    sink.failed("camera-0/000002", "no image")
    assert sink.close() == []


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_what_a_killed_process_had_planned_is_carried_out(incoming, target, moved):
    paths = [arrive(incoming, name, name.encode()) for name in ("a.png", "b.png")]
    HotFolder(target)
    lines = [
        {"source": str(p), "sha256": hashlib.sha256(p.read_bytes()).hexdigest(), "to": "good"}
        for p in paths
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (target / STATE).write_text(text + '{"source": "cut in the mid')
    for path in paths[:moved]:
        path.rename(target / "good" / path.name)
    HotFolder(target)
    assert sorted(p.name for p in (target / "good").iterdir()) == ["a.png", "b.png"]
    assert not (target / STATE).exists()


def test_the_plan_is_on_disk_before_anything_moves(incoming, target, monkeypatch):
    sink, path = HotFolder(target), arrive(incoming, "a.png")

    def fail(*_):
        raise OSError("no such luck")

    monkeypatch.setattr(os, "rename", fail)
    monkeypatch.setattr(type(path), "rename", fail)
    with pytest.raises(OSError, match="no such luck"):
        sink.send([of(path)])
    monkeypatch.undo()
    assert path.exists()
    HotFolder(target)
    assert (target / "good/a.png").exists()


def test_a_full_disk_names_the_plan_and_moves_nothing(incoming, target, monkeypatch):
    sink, path = HotFolder(target), arrive(incoming, "a.png")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as found:
        sink.send([of(path)])
    assert found.value.filename == str(target / STATE)
    assert path.exists()


def test_another_file_system_is_reached_by_copying(incoming, tmp_path, monkeypatch):
    path, target = arrive(incoming, "a.png"), tmp_path / "out"
    rename = type(path).rename

    def across(self, other):
        if self == path:
            raise OSError(errno.EXDEV, "another file system")
        return rename(self, other)

    sink = HotFolder(target)
    monkeypatch.setattr(type(path), "rename", across)
    sink.send([of(path)])
    assert (target / "good/a.png").read_bytes() == b"pixels"
    assert not path.exists()


def test_the_address_names_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for url, folder in (("folder:sorted", "sorted"), (f"folder:{tmp_path}/b", "b")):
        connect(url, tmp_path).close()
        assert (tmp_path / folder / "anomalous").is_dir()


def test_a_source_that_no_file_can_have_stands_in_no_others_way(incoming, target):
    sink, path = HotFolder(target), arrive(incoming, "a.png")
    sink.send([decision(source="x" * 300), decision(source="a\0b"), of(path)])
    assert (target / "good/a.png").is_file()
    assert not (target / STATE).exists()


def test_no_number_is_tried_twice_for_a_name_that_comes_again_and_again(incoming, target):
    sink = HotFolder(target)

    def sort(content):
        sink.send([of(arrive(incoming, "a.png", content))])
        return {p.name: p.read_bytes() for p in (target / "good").iterdir()}

    assert [len(sort(b"%d" % i)) for i in range(4)] == [1, 2, 3, 4]
    (target / "good/a-1.png").unlink()
    assert sort(b"4")["a-4.png"] == b"4"
    (target / "good/a.png").unlink()
    assert sort(b"5")["a.png"] == b"5"
