"""Names of files are data: any bytes, brackets and colons, on any console, into any pipe."""

import csv
import io
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from typed import call, words

from hardsight.cli.app import main
from hardsight.cli.overlays import overlay_name

ODD = [os.fsdecode(b"caf\xe9"), "größe ±1", "a [bold]x", ":smile: [0]"]


@pytest.fixture(scope="module", params=ODD, ids=[repr(name) for name in ODD])
def odd(request, parts, tmp_path_factory):
    """A data set of an odd name that holds a training and a test image of that name."""
    data = shutil.copytree(parts, tmp_path_factory.mktemp("odd") / request.param)
    for role in ("train", "test"):
        shutil.copy(parts / role / "good/000.png", data / role / f"good/{request.param}.png")
    return data


@pytest.fixture(autouse=True)
def _threads_stay_set(monkeypatch):
    """``main`` then leaves the environment as it is."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")


def program(monkeypatch, *arguments: object, encoding: str = "utf-8") -> tuple[int, bytes, bytes]:
    """Run ``hardsight`` as a program: its exit code and the bytes of both of its outputs."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "argv", ["hardsight", *map(str, arguments)])
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    with pytest.raises(SystemExit) as stopped:
        main()
    for stream in streams:
        stream.flush()
    return stopped.value.code, *(stream.buffer.getvalue() for stream in streams)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_scores_hold_a_name_as_it_is(run, odd, tmp_path, monkeypatch, encoding):
    image = odd / f"test/good/{odd.name}.png"
    code, out, said = program(monkeypatch, "score", run, image, encoding=encoding)
    assert code == 0, said
    (row,) = csv.DictReader(io.StringIO(out.decode("utf-8", "surrogateescape")))
    assert Path(row["path"]) == image
    for form in ("csv", "jsonl"):
        table = tmp_path / f"s.{form}"
        assert program(monkeypatch, "score", run, image, "-o", table)[0] == 0
        text = table.read_bytes().decode("utf-8", "surrogateescape")
        lines = csv.DictReader(io.StringIO(text)) if form == "csv" else [json.loads(text)]
        assert [Path(line["path"]) for line in lines] == [image]


def test_messages_hold_a_name_as_it_is(run, odd, tmp_path, monkeypatch):
    broken = odd.parent / "broken" / odd.name
    broken.parent.mkdir(exist_ok=True)
    broken.write_bytes(b"\x89PNG\r\n")
    code, _, said = program(monkeypatch, "score", run, broken, encoding="cp1252")
    assert code == 1
    assert os.fsencode(broken) in said
    assert said.count(b"\n") == 2  # a heading, and a line however long the path is


def test_a_data_set_of_any_name_is_checked_fitted_and_watched(
    run, odd, tiny_preset, tmp_path, monkeypatch
):
    fitted, table = tmp_path / "run", tmp_path / "s.jsonl"
    for typed in (
        ("data", odd, "--size", 16),
        ("fit", tiny_preset, "--data", odd, "--run", fitted, "--no-select", "--steps", 1),
        ("watch", run, odd / "test/good", "--idle", 0, "-o", table),
    ):
        code, _, said = program(monkeypatch, *typed)
        assert code == 0, said
    assert f"{odd.name}.png" in {
        Path(json.loads(line)["path"]).name for line in table.read_text().splitlines()
    }


def test_a_closed_pipe_ends_in_silence(run, parts, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["hardsight", "score", str(run), str(parts / "test")])
    monkeypatch.setattr(sys, "stderr", said)
    with os.fdopen(writing, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        with pytest.raises(SystemExit) as stopped:
            main()
    said.flush()
    assert stopped.value.code == 141  # as a shell says of SIGPIPE
    assert said.buffer.getvalue() == b""


def test_images_that_share_parts_of_their_names_get_heat_maps_of_their_own(run, parts, tmp_path):
    source, heat = parts / "test/good/000.png", tmp_path / "heat"
    names = ["camA/x/y/img0.png", "camB/x/y/img0.png", "camA/x/y/img0.jpg", "camA/x_y/img0.png"]
    for name in names:
        (tmp_path / "new" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, tmp_path / "new" / name)
    for _ in range(2):  # the second time they replace those of the first
        done = call("score", run, tmp_path / "new", "--overlays", heat)
        assert done.exit_code == 0, words(done)
        assert len(list(heat.iterdir())) == len(names)
    assert len(overlay_name("x" * 4000)) < 100


@pytest.mark.parametrize("command", ["score", "watch"])
def test_heat_maps_are_not_written_among_the_images(run, parts, tmp_path, command):
    folder = shutil.copytree(parts / "test/good", tmp_path / "in")
    done = call(command, run, folder, "--overlays", folder / "heat")
    assert done.exit_code == 1
    assert "name a folder outside it" in words(done)
    assert not (folder / "heat").exists()
