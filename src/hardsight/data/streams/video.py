"""The frames of video files and cameras, by OpenCV, which is the extra ``video``."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from hardsight.core.extras import needed
from hardsight.core.near import near_names
from hardsight.data.decoding import Decoding
from hardsight.data.files import is_image_name
from hardsight.data.streams.frames import Frame


def is_live(source: str) -> bool:
    """Return whether a source goes on unread: a camera's number or device, a URL."""
    return source.isdecimal() or "://" in source or Path(source).is_char_device()


def video(
    source: str | Path, decoding: Decoding, stop: threading.Event | None = None
) -> Iterator[Frame]:
    """Open a video and return its frames, named ``source/number`` from 0 on.

    Args:
        source: a file, a camera's number or device ("0", "/dev/video0"), or a stream's URL.
        decoding: of the frames, of which the size and aspect count.
        stop: set by somebody else, it ends the frames.

    Raises:
        ImportError: the extra ``video`` is not installed.
        FileNotFoundError: no such file.
        ValueError: an image, or nothing that OpenCV can open.
        OSError: a live source gives no more frames; raised after the last one.
    """
    name = str(source)
    live = is_live(name)
    if not live and not Path(name).is_file():
        raise FileNotFoundError(f"no such file, folder or camera: {name!r}{near_names(Path(name))}")
    if not live and is_image_name(name):
        raise ValueError(f"{name} is an image; use hardsight score, or name its folder")
    purpose, otherwise = "a video or a camera", "give a folder of images"
    cv2 = needed("cv2", "'hardsight[video]'", purpose, otherwise)
    capture = cv2.VideoCapture(int(name) if name.isdecimal() else name)
    if not capture.isOpened():
        what = "camera or stream" if live else "video"
        raise ValueError(f"OpenCV cannot open the {what} {name!r}; is it in use, or damaged?")
    prefix = f"camera-{name}" if name.isdecimal() else name
    return _frames(cv2, capture, prefix, decoding, stop or threading.Event(), live)


def _frames(
    cv2: ModuleType,
    capture: Any,
    prefix: str,
    decoding: Decoding,
    stop: threading.Event,
    live: bool,
) -> Iterator[Frame]:
    number = 0
    try:
        while not stop.is_set():
            there, pixels = capture.read()
            if not there:
                if live:
                    raise OSError(f"{prefix} gives no more frames; is it still connected?")
                return
            rgb = torch.from_numpy(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
            image = decoding.pixels(rgb.permute(2, 0, 1).float() / 255)
            yield Frame(f"{prefix}/{number:06}", image, window=decoding.window(*rgb.shape[:2]))
            number += 1
    finally:
        capture.release()
