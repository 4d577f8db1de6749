import hashlib
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hardsight.data import Decoding, read_ahead, read_image
from hardsight.data.streams.arrivals import arrivals

SMALL = Decoding((8, 8))


def picture(path: Path, value: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((8, 8, 3), value, np.uint8)
    pixels[2:5, 3:6] = 255 - value
    Image.fromarray(pixels).save(path)
    return path


def test_files_come_in_order_and_are_what_read_image_says(tmp_path):
    paths = [picture(tmp_path / f"{i:02}.png", 10 * i) for i in range(12)]
    (tmp_path / "05.png").write_bytes(b"no picture")
    taken = []

    def listed():
        for path in paths:
            taken.append(path)
            yield path

    frames = read_ahead(listed(), Decoding((4, 6)), ahead=3)
    first = next(frames)
    assert len(taken) == 4  # one yielded, three ahead
    found = [first, *frames]
    assert [f.name for f in found] == [str(p) for p in paths]
    assert [f.image is None for f in found] == [i == 5 for i in range(12)]
    assert "none of the formats" in found[5].error.reason
    assert torch.equal(found[7].image, read_image(paths[7], (4, 6)))


def test_what_is_there_then_what_arrives_each_once(tmp_path):
    for i in range(3):
        picture(tmp_path / f"old{i}.png", i)

    def copy() -> None:
        for i in range(4):
            time.sleep(0.05)
            picture(tmp_path / f"sub/new{i}.png", 100 + i)

    thread = threading.Thread(target=copy)
    thread.start()
    found = [Path(f.name).name for f in arrivals(tmp_path, SMALL, idle=1.0)]
    thread.join()
    assert found[:3] == ["old0.png", "old1.png", "old2.png"]
    assert sorted(found[3:]) == ["new0.png", "new1.png", "new2.png", "new3.png"]


def test_a_frame_knows_the_hash_of_its_file(tmp_path):
    path = picture(tmp_path / "a.png", 3)
    (tmp_path / "b.png").write_bytes(b"half")
    good, bad = arrivals(tmp_path, SMALL, idle=0, patience=0.01)
    assert good.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert bad.sha256 == hashlib.sha256(b"half").hexdigest()


def test_a_half_written_file_is_tried_again_until_it_is_whole(tmp_path):
    whole = picture(tmp_path / "elsewhere/a.png", 50)
    folder, data = tmp_path / "in", whole.read_bytes()
    folder.mkdir()

    def write() -> None:
        with (folder / "a.png").open("wb") as file:
            for i in range(0, len(data), len(data) // 3):
                file.write(data[i : i + len(data) // 3])
                file.flush()
                time.sleep(0.2)

    thread = threading.Thread(target=write)
    thread.start()
    (frame,) = arrivals(folder, SMALL, idle=0.8, patience=5)
    thread.join()
    assert frame.error is None
    assert torch.equal(frame.image, read_image(whole))


def test_what_is_no_file_holds_nothing_up(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("b.png")
    picture(tmp_path / "c.png", 1)
    assert [Path(f.name).name for f in arrivals(tmp_path, SMALL, idle=0.2)] == ["c.png"]


def test_an_unreadable_file_is_given_up_after_a_while_and_holds_nothing_up(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n")
    picture(tmp_path / "b.png", 3)
    begun = time.monotonic()
    good, bad = arrivals(tmp_path, SMALL, idle=0.1, patience=0.5)
    assert time.monotonic() - begun >= 0.5
    assert (Path(good.name).name, Path(bad.name).name) == ("b.png", "a.png")
    assert bad.image is None
    assert bad.error is not None


def test_a_name_that_vanishes_is_left_out(tmp_path):
    (tmp_path / "part.png").write_bytes(b"half")
    frames = arrivals(tmp_path, SMALL, idle=0.3, patience=10)

    def rename() -> None:
        time.sleep(0.2)
        (tmp_path / "part.png").unlink()
        picture(tmp_path / "whole.png", 7)

    thread = threading.Thread(target=rename)
    thread.start()
    assert [Path(f.name).name for f in frames] == ["whole.png"]
    thread.join()


def test_a_name_that_stands_for_another_file_is_another_image(tmp_path):
    """As of a camera that calls every picture the same; what only changes its time is not."""
    name, away = picture(tmp_path / "in/part.png", 1), tmp_path / "away"
    away.mkdir()
    frames, found = arrivals(tmp_path / "in", SMALL, idle=0.5), []
    for i, frame in enumerate(frames):
        found.append(frame.image.mean().item())
        if i == 0:
            name.rename(away / "1.png")
            picture(name, 100)
        elif i == 1:
            name.touch()
            picture(away / "3.png", 200).replace(name)
    assert len(found) == 3
    assert found == sorted(found)


def test_it_stops_when_told_and_when_the_folder_is_gone(tmp_path):
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    assert list(arrivals(tmp_path, SMALL, stop=stop)) == []
    with pytest.raises(FileNotFoundError, match="source="):
        arrivals(tmp_path / "no", SMALL)
    (tmp_path / "in").mkdir()
    frames = arrivals(tmp_path / "in", SMALL)
    threading.Timer(0.2, (tmp_path / "in").rmdir).start()
    with pytest.raises(FileNotFoundError, match="does not exist"):
        next(frames)
