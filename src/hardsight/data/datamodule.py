"""A data set from one of anomalib's datamodules."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.files import common_folder
from hardsight.data.image_set import Sample
from hardsight.data.options import LoadOptions


class Table(Protocol):
    """What is read of a pandas data frame."""

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        """Return the rows, with ``orient="records"``."""
        ...


class Dataset(Protocol):
    """What is read of an ``AnomalibDataset``."""

    samples: Table
    """With the columns image_path, mask_path, label, label_index and split."""


class Datamodule(Protocol):
    """What is read of an ``AnomalibDataModule``."""

    name: str
    train_data: Dataset
    val_data: Dataset
    test_data: Dataset
    val_split_mode: str

    def setup(self) -> None:
        """Find the images, and divide them."""
        ...


def from_datamodule(datamodule: Datamodule, name: str | None = None, **options: Any) -> AnomalyData:
    """Read the images of a datamodule of anomalib, of any data set that it knows.

    Training images are the datamodule's normal ones, test images those of its official or random
    test set. Where the datamodule takes its validation images from the test set, as ``Folder`` does
    by default, they are tested all the same and the validation images are held out of training:
    no test label chooses anything here, and no test image is lost. Synthetic anomalies for
    validation are left out.

    Args:
        datamodule: Of images on disk; nothing is downloaded.
        name: The datamodule's if None.
        options: Fields of ``LoadOptions``, such as ``size``, ``seed``, ``on_error``. Images are
            read as by ``load``; the datamodule's augmentations play no part.

    Raises:
        TypeError: no such option.
        ValueError: it has no normal training images, or too few to split.
    """
    chosen = LoadOptions.of(**options)
    datamodule.setup()
    train = {s.path: s for s, _ in _samples(datamodule.train_data) if not s.anomalous}
    tested = {s.path: s for s, _ in _samples(datamodule.test_data)}
    validated = datamodule.val_split_mode != "none"  # there are no val_data otherwise
    held = [*_samples(datamodule.val_data)] if validated else []
    held = [pair for pair in held if pair[0].path not in tested]
    returned = [sample for sample, is_test in held if is_test]
    validation = [s for s, is_test in held if not (is_test or s.anomalous)]
    synthetic = len(held) - len(returned) - len(validation)
    everything = [*tested.values(), *returned]
    root = common_folder([*train, *tested])
    samples = chosen.hold_out(list(train.values()), root, validation, everything)
    notes = [
        (len(returned), "that the datamodule took from its test set for validation are tested"),
        (synthetic, "synthetic anomalies for validation are left out"),
    ]
    told = [f"{count} images {what}" for count, what in notes if count]
    return chosen.data(root, samples, told, name or datamodule.name)


def _samples(dataset: Dataset) -> Iterator[tuple[Sample, bool]]:
    """Yield the samples of a dataset, and whether each comes from the test set."""
    for row in dataset.samples.to_dict("records"):
        anomalous = bool(row["label_index"])
        mask = row.get("mask_path")
        masks = (Path(mask),) if anomalous and isinstance(mask, str | Path) and str(mask) else ()
        defect = str(row["label"]) if anomalous else "good"
        yield Sample(Path(row["image_path"]), anomalous, masks, defect), row["split"] == "test"
