import errno
import os
from pathlib import Path

import pytest
from safetensors import SafetensorError

from hardsight.core.disk import named_when_full
from hardsight.core.files import write_whole

DEVICE = Path("/dev/full")
"""Every write to it fails as on a full disk."""
needs_device = pytest.mark.skipif(not DEVICE.is_char_device(), reason="there is no /dev/full")


def fill():
    """Write to a full disk."""
    with DEVICE.open("w", encoding="utf-8") as file:
        file.write("more than fits")


@needs_device
def test_the_file_that_does_not_fit_is_named(tmp_path):
    path = tmp_path / "a/scores.json"
    with pytest.raises(OSError, match=r"No space left on device: .*scores") as caught:
        write_whole(path, lambda part: fill())
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    assert list(path.parent.iterdir()) == []


@needs_device
def test_the_inner_name_stands():
    with (
        pytest.raises(OSError, match="inner") as caught,
        named_when_full("outer"),
        named_when_full("inner"),
    ):
        fill()
    assert caught.value.filename == "inner"


def test_safetensors_full_disk_is_one_of_the_system():
    text = f"Error while serializing: I/O error: No space left on device (os error {errno.ENOSPC})"
    with pytest.raises(OSError, match="model") as caught, named_when_full("model.safetensors"):
        raise SafetensorError(text)
    assert (caught.value.errno, caught.value.strerror) == (errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("error", [PermissionError(13, "no"), SafetensorError("damaged")])
def test_other_errors_are_left_as_they_are(error):
    with pytest.raises(type(error)) as caught, named_when_full("file"):
        raise error
    assert caught.value is error
