"""The frames of GenICam cameras, by harvesters, which is the extra ``genicam``."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hardsight.core.extras import needed
from hardsight.core.near import near_names
from hardsight.data.decoding import Decoding
from hardsight.data.streams.frames import Frame

SCHEME = "genicam:"
LOOK = 0.5
"""Seconds after which a wait for a frame looks whether it is to end."""
GENICAM = "'hardsight[genicam]'"
"""What to install."""
FORMATS = {
    "Mono8": ((0, 0, 0), 8), "Mono10": ((0, 0, 0), 10), "Mono12": ((0, 0, 0), 12),
    "Mono16": ((0, 0, 0), 16), "RGB8": ((0, 1, 2), 8), "RGBa8": ((0, 1, 2), 8),
    "BGR8": ((2, 1, 0), 8), "BGRa8": ((2, 1, 0), 8),
}  # fmt: skip
"""Pixel format of the standard -> places of red, green and blue, and bits of each."""


def genicam(
    source: str, decoding: Decoding, stop: threading.Event | None = None
) -> Iterator[Frame]:
    """Open a camera and return its frames, named ``genicam-SERIAL/number`` from 0 on.

    A camera that waits for a trigger is waited for.

    Args:
        source: "genicam:PRODUCER.cti", of whose cameras the first is taken, or
            "genicam:PRODUCER.cti#SERIAL"; the producer comes with the camera, and its settings are
            those that its maker's program left.
        decoding: of the frames, of which the size and aspect count.
        stop: set by somebody else, it ends the frames.

    Raises:
        ImportError: the extra ``genicam`` is not installed.
        FileNotFoundError: no such producer.
        ValueError: no such camera, or one whose pixel format is not known.
        OSError: the camera gives no more frames; raised after the last one.
    """
    producer, _, serial = source.removeprefix(SCHEME).partition("#")
    if not Path(producer).is_file():
        raise FileNotFoundError(f"no such GenTL producer: {producer!r}{near_names(Path(producer))}")
    core = needed("harvesters.core", GENICAM, "a GenICam camera")
    harvester = core.Harvester()
    harvester.add_file(str(Path(producer).absolute()))
    harvester.update()
    there = {info.serial_number: info for info in harvester.device_info_list}
    if not there or (serial and serial not in there):
        harvester.reset()
        raise ValueError(
            f"{producer} knows the cameras {sorted(there) or 'none'}"
            + (f", and no {serial!r}" if serial else "")
            + "; is it connected, and not in use?"
        )
    serial = serial or next(iter(there))
    camera = harvester.create({"serial_number": serial})
    return _frames(harvester, camera, f"genicam-{serial}", decoding, stop or threading.Event())


def _frames(
    harvester: Any, camera: Any, prefix: str, decoding: Decoding, stop: threading.Event
) -> Iterator[Frame]:
    gentl = needed("genicam.gentl", GENICAM, "a GenICam camera")
    number = 0
    try:
        camera.start()
        while not stop.is_set():
            try:
                with camera.fetch(timeout=LOOK) as buffer:
                    image = decoded(buffer.payload.components[0])
            except gentl.TimeoutException:
                continue
            except gentl.GenericException as error:
                raise OSError(
                    f"{prefix} gives no more frames ({error}); is it still connected?"
                ) from error
            window = decoding.window(*image.shape[1:])
            yield Frame(f"{prefix}/{number:06}", decoding.pixels(image), window=window)
            number += 1
    finally:
        camera.destroy()
        harvester.reset()


def decoded(component: Any) -> Tensor:
    """Return what a camera sent as (3, H, W) in [0, 1], in memory of its own.

    Raises:
        ValueError: a pixel format that is not known.
    """
    name = component.data_format
    if name not in FORMATS:
        raise ValueError(
            f"the camera sends {name}; set its PixelFormat to one of {', '.join(FORMATS)}"
        )
    (red, green, blue), bits = FORMATS[name]
    pixels = component.data.reshape(component.height, component.width, -1)
    chosen = pixels[..., [red, green, blue]].astype(np.float32) / (2**bits - 1)
    return torch.from_numpy(chosen).permute(2, 0, 1)
