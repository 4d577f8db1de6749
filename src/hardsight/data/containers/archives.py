"""Images in a tar file, read where they lie without unpacking it."""

import io
import tarfile
from pathlib import Path, PurePosixPath

from PIL import Image

from hardsight.data.containers.container import Container, remembered
from hardsight.data.files import FORMATS


def members(file: Path) -> list[str]:
    """Return the names of the files in an archive, sorted.

    Raises:
        ValueError: it is no uncompressed tar file.
    """
    return sorted(_places(file))


def _image(file: Path, name: str) -> Image.Image:
    place = _places(file).get(name)
    if place is None:
        raise FileNotFoundError(f"{file} holds no file {name!r}")
    start, size = place
    with file.open("rb") as opened:
        opened.seek(start)
        return Image.open(io.BytesIO(opened.read(size)), formats=FORMATS)


@remembered(4)
def _places(file: Path) -> dict[str, tuple[int, int]]:
    """Return name -> (offset, bytes) of every file in an archive; ``./`` begins no name."""
    try:
        with tarfile.open(file, "r:") as archive:
            return {
                PurePosixPath(one.name).as_posix(): (one.offset_data, one.size)
                for one in archive
                if one.isfile()
            }
    except tarfile.TarError as error:
        raise ValueError(f"{file} is no uncompressed tar file ({error}); unpack it") from error


TAR = Container("tar", lambda file: file.suffix.lower() == ".tar", _image)
