"""Images with COCO-style annotations: what is annotated is anomalous."""

from pathlib import Path

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.containers.instances import Annotated, read_instances
from hardsight.data.image_set import Sample
from hardsight.data.layouts.layout import Layout, LayoutError
from hardsight.data.layouts.rows import Row, divided
from hardsight.data.options import LoadOptions

EXPORTED = "_annotations.coco.json"
"""Name of an annotation file beside the images of a part, as Roboflow writes it."""
_PARTS = {"train": "train", "val": "validation", "test": "test"}
"""What the name of a file, or of its folder, begins with -> the part it describes."""


def is_coco(top: Path) -> bool:
    """Tell whether a folder has ``annotations/*.json``, or ``<part>/_annotations.coco.json``."""
    return bool(_files(top))


def read_coco(top: Path, options: LoadOptions) -> AnomalyData:
    """Read images with annotations in COCO's format (Lin et al., 2014).

    An image with an annotation is anomalous, and its mask is drawn from polygons, run lengths or,
    without these, boxes; the defect is the name of the first one's category. Annotations of
    categories named as good parts (``GOOD``) do not count. A file whose name (``instances_``
    apart) or folder begins with train, val or test describes that part; if there are none such,
    images are split by their names. Anomalous images for training or validation are left out.

    Raises:
        LayoutError: an annotation file names an image that is not there.
        ValueError: it is not in COCO's format, or there are too few normal images.
    """
    rows = [row for file in _files(top) for row in _rows(top, file)]
    if any(row.part for row in rows):
        rows = [row for row in rows if row.part]
    kept = [row for row in rows if row.part in ("test", "") or not row.sample.anomalous]
    count = len(rows) - len(kept)
    notes = [f"left out, for training takes good parts alone: {count} annotated images"]
    return options.data(top, divided(kept, options, top), notes if count else [])


def _files(top: Path) -> list[Path]:
    return sorted([*(top / "annotations").glob("*.json"), *top.glob(f"*/{EXPORTED}")])


def _part(file: Path) -> str:
    """Return the part of the data set that an annotation file describes; empty if none."""
    name = file.parent.name if file.name == EXPORTED else file.stem.removeprefix("instances_")
    return next((part for start, part in _PARTS.items() if name.lower().startswith(start)), "")


def _rows(top: Path, file: Path) -> list[Row]:
    name = file.stem.removeprefix("instances_")
    places = [file.parent, top / "images" / name, top / name, top / "images", top]
    rows = []
    for number, one in read_instances(file).items():
        image = next((p / one.file_name for p in places if (p / one.file_name).is_file()), None)
        if image is None:
            tried = ", ".join(f"{str(place)!r}" for place in places)
            raise LayoutError(f"{file}, image id={number}: {one.file_name!r} is in none of {tried}")
        rows.append(Row(_sample(image, file / number, one), _part(file)))
    return rows


def _sample(image: Path, mask: Path, one: Annotated) -> Sample:
    if not one.marks:
        return Sample(image, anomalous=False)
    return Sample(image, True, (mask,), one.marks[0].label)


COCO = Layout(
    "coco",
    f"annotations/*.json and images/, or <part>/{EXPORTED}",
    is_coco,
    read_coco,
)
