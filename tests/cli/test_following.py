"""What connections are told of a batch."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hardsight.cli.following import SinkFollower, connected
from hardsight.cli.rows import scored
from hardsight.connections import CONNECTIONS
from hardsight.connections.catalogue import Connection
from hardsight.connections.hot_folder import HotFolder
from hardsight.data import ImageError
from hardsight.data.streams.frames import Frame
from hardsight.evaluation.provenance import fingerprint


class Collector:
    """A sink that keeps what it is told, in order."""

    def __init__(self):
        self.told = []

    def send(self, decisions):
        self.told += decisions

    def failed(self, source, reason):
        self.told.append((source, reason))

    def close(self):
        return []


def frame(name, level, **more):
    return Frame(name, torch.full((3, 16, 16), level), **more)


def test_decisions_and_failures_are_told_in_the_order_of_the_stream(bright):
    detector = bright().calibrate(torch.rand(30, 3, 16, 16, generator=torch.manual_seed(0)))
    broken = Frame("b", None, ImageError(Path("b"), "no image"))
    frames = [frame("a", 0.1, sha256="f" * 64), broken, frame("c", 0.9)]
    sink = Collector()
    follower = SinkFollower(detector, "parts", [sink])
    for rows, read in scored(detector, [frames]):
        follower.add(rows, read)
    first, failure, last = sink.told
    assert failure == ("b", "no image")
    assert (first.source, first.label, first.image) == ("a", False, "f" * 64)
    assert (last.source, last.label) == ("c", True)
    assert last.image == hashlib.sha256(np.full((3, 16, 16), 0.9, np.float32)).hexdigest()
    assert {d.model_hash for d in (first, last)} == {fingerprint(detector)}
    assert {d.threshold for d in (first, last)} == {detector.calibration.threshold}


def test_a_file_that_was_replaced_while_it_was_scored_is_not_sorted_as_the_first(bright, tmp_path):
    """The next part came under the same name: its verdict is not that of the part before."""
    detector = bright().calibrate(torch.rand(30, 3, 16, 16, generator=torch.manual_seed(0)))
    path, sink = tmp_path / "part.png", HotFolder(tmp_path / "sorted")
    Image.new("RGB", (16, 16), "black").save(path)
    read = frame(str(path), 0.0, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    follower = SinkFollower(detector, "parts", [sink])
    ((rows, frames),) = scored(detector, [[read]])
    Image.new("RGB", (16, 16), "white").save(path)
    follower.add(rows, frames)
    assert path.exists()
    assert not list((tmp_path / "sorted").glob("*/*"))
    now = replace(read, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    follower.add(rows, [now])
    assert (tmp_path / "sorted/good/part.png").exists()


def test_each_connection_is_closed_whatever_another_does(tmp_path, monkeypatch, capsys):
    closed = []

    class One(Collector):
        def __init__(self, address):
            super().__init__()
            self.name = address.parts.path

        def close(self):
            closed.append(self.name)
            if self.name == "b":
                raise OSError("its disk is full")
            return [f"{self.name} leaves one"]

    monkeypatch.setitem(CONNECTIONS, "one", Connection(One, "one:NAME"))
    with (
        pytest.raises(OSError, match="its disk is full"),
        connected(["one:a", "one:b", "one:c"], tmp_path) as sinks,
    ):
        assert len(sinks) == 3
    assert sorted(closed) == ["a", "b", "c"]
    said = capsys.readouterr().err
    assert "a leaves one" in said
    assert "c leaves one" in said
