"""KolektorSDD2, whose masks lie beside the images."""

from pathlib import Path

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.layouts.layout import Layout, samples_beside_masks
from hardsight.data.options import LoadOptions

MASK = "_GT.png"


def is_kolektor_sdd2(top: Path) -> bool:
    """Tell whether a folder has ``train`` and ``test`` with files ``<stem>_GT.png``."""
    return all(next((top / part).glob(f"*{MASK}"), None) for part in ("train", "test"))


def read_kolektor_sdd2(top: Path, options: LoadOptions) -> AnomalyData:
    """Read KolektorSDD2 (Bozic et al., 2021): the official split, without its training defects.

    Raises:
        ValueError: a part without images that have masks.
    """
    train, tested = (samples_beside_masks(top / part, MASK) for part in ("train", "test"))
    normal = [sample for sample in train if not sample.anomalous]
    notes = []
    if len(normal) < len(train):
        count = len(train) - len(normal)
        notes.append(f"left out, for training takes good parts alone: {count} with defects")
    return options.data(top, options.hold_out(normal, top / "train", tested=tested), notes)


KOLEKTOR_SDD2 = Layout(
    "kolektor_sdd2",
    f"train/<stem>.png, test/<stem>.png and <stem>{MASK} beside each",
    is_kolektor_sdd2,
    read_kolektor_sdd2,
)
