"""Files that hold several images, whose paths are ``<file>/<name>``: no such files, but as usable.

``read_image``, masks, names, splits and manifests take them like any other path.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from hardsight.data.containers.archives import TAR
from hardsight.data.containers.arrays import ARRAYS
from hardsight.data.containers.container import Container
from hardsight.data.containers.instances import INSTANCES
from hardsight.data.containers.volumes import NIFTI

CONTAINERS: dict[str, Container] = {one.name: one for one in (TAR, ARRAYS, NIFTI, INSTANCES)}
"""Name -> container, in the order in which they are tried."""


@dataclass(frozen=True)
class Inside:
    """An image in a file of several."""

    container: Container
    file: Path
    name: str

    def image(self) -> Image.Image:
        """Open the image, see ``Container``."""
        return self.container.image(self.file, self.name)


def inside(path: Path) -> Inside | None:
    """Return which image of which file a path names; None if it is a file, or nothing."""
    if path.exists():
        return None
    file = next((above for above in path.parents if above.is_file()), None)
    if file is None:
        return None
    name = path.relative_to(file).as_posix()
    held_by = next((one for one in CONTAINERS.values() if one.match(file)), None)
    return None if held_by is None else Inside(held_by, file, name)


def content_sha256(path: Path) -> str:
    """Hash a file, or the pixels of an image in one.

    Raises:
        OSError: it cannot be read.
    """
    held = inside(path)
    if held is None:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    image = held.image()
    return hashlib.sha256(f"{image.mode}{image.size}".encode() + image.tobytes()).hexdigest()
