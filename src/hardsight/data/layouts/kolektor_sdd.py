"""KolektorSDD, eight pictures of each of fifty items, with their masks beside them."""

from pathlib import Path

from hardsight.core.near import subfolders
from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.image_set import Sample
from hardsight.data.layouts.layout import Layout, samples_beside_masks
from hardsight.data.options import LoadOptions
from hardsight.data.splits import split_groups

MASK = "_label.bmp"


def is_kolektor_sdd(top: Path) -> bool:
    """Tell whether a folder has folders ``kos<number>`` with files ``<stem>_label.bmp``."""
    items = (item for item in subfolders(top) if item.name.startswith("kos"))
    return any(next(item.glob(f"*{MASK}"), None) for item in items)


def read_kolektor_sdd(top: Path, options: LoadOptions) -> AnomalyData:
    """Read KolektorSDD (Tabernik et al., 2020), its good pictures split by item.

    There is no official split for training on good parts alone: whole items are held out, first
    for the test and then for validation, and every crack is tested.

    Raises:
        ValueError: no image has a mask, or fewer than three items have a good picture.
    """
    samples = samples_beside_masks(top, MASK, lambda _: "crack")
    normal = [sample for sample in samples if not sample.anomalous]
    rest, good = split_groups(normal, _item, options.test_fraction, options.seed)
    train, validation = split_groups(rest, _item, options.val_fraction, options.seed)
    cracked = [sample for sample in samples if sample.anomalous]
    return options.data(top, (train, validation, [*good, *cracked]))


def _item(sample: Sample) -> str:
    return sample.path.parent.name


KOLEKTOR_SDD = Layout(
    "kolektor_sdd",
    f"kos<number>/<stem>.jpg and <stem>{MASK} beside each",
    is_kolektor_sdd,
    read_kolektor_sdd,
)
