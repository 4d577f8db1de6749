"""Heat maps over the images that are scored, a file each."""

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hardsight.core.disk import named_when_full
from hardsight.core.outputs import check_folder, check_outside

if TYPE_CHECKING:
    from torch import Tensor

    from hardsight.data import Frame

READABLE = 50
"""Characters of a heat map's name that are taken from the image's: names have a limit."""


@dataclass(frozen=True)
class Overlays:
    """Draws heat maps into a folder.

    Args:
        folder: made where it is not there.
        threshold: from which a pixel is anomalous.
    """

    folder: Path
    threshold: float

    def draw(self, frame: "Frame", anomaly_map: "Tensor") -> None:
        """Write the map (H, W) over its frame, without the pixels repeated beside the image."""
        from hardsight.data.images import within
        from hardsight.reports.pictures import heat, threshold_scale

        assert frame.image is not None
        scale = threshold_scale(anomaly_map, self.threshold)
        image, shown = within(frame.image, frame.window), within(anomaly_map, frame.window)
        picture = heat(image, shown, None, scale, side=512)
        self.folder.mkdir(parents=True, exist_ok=True)
        place = self.folder / overlay_name(frame.name)
        with named_when_full(place):
            place.write_bytes(picture)


def overlay_name(name: str) -> str:
    """Return the file name of an image's heat map: another for every image.

    The last parts of the image's path tell a person which it is, and a hash of the whole path
    keeps apart what shares them: ``camA/img.png``, ``camB/img.png``, ``camA/img.jpg``. What stands
    in the name is allowed in names of files everywhere.
    """
    path = Path(name).absolute()
    readable = re.sub(r"[^\w.-]+", "_", "_".join(path.with_suffix("").parts[-3:])).strip("_")
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
    return f"{readable[-READABLE:]}-{digest}.jpg"


def check_overlays(overlays: Path | None, folders: Iterable[Path]) -> None:
    """Refuse heat maps that cannot be written, or would be taken for new images.

    Raises:
        ValueError: they would lie in one of the folders that images are read from.
    """
    if overlays is None:
        return
    check_folder(overlays, "--overlays")
    for folder in folders:
        check_outside(
            overlays, folder, "--overlays ", "the heat maps would be scored as new images"
        )
