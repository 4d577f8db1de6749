"""MVTec LOCO AD, whose anomalies are logical or structural and may have several masks each."""

from pathlib import Path

from hardsight.data.layouts.layout import Layout
from hardsight.data.layouts.mvtec import is_mvtec, read_mvtec

ANOMALIES = ("logical_anomalies", "structural_anomalies")


def is_mvtec_loco(top: Path) -> bool:
    """Tell whether a folder has ``train/good`` and one of ``ANOMALIES`` in ``test``."""
    return is_mvtec(top) and any((top / "test" / name).is_dir() for name in ANOMALIES)


MVTEC_LOCO = Layout(
    "mvtec_loco",
    "train/good, validation/good, test/logical_anomalies and test/structural_anomalies",
    is_mvtec_loco,
    read_mvtec,
)
"""Bergmann et al. (2022); the masks of an image, all files of a folder named after it, are joined.
"""
