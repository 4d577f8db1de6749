"""BTAD, arranged like MVTec AD with ``ok`` and ``ko`` for good and bad."""

from pathlib import Path

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.layouts.layout import Layout
from hardsight.data.layouts.mvtec import Places, read_mvtec
from hardsight.data.options import LoadOptions


def is_btad(top: Path) -> bool:
    """Tell whether a folder has ``train/ok`` and ``test/ko``."""
    return (top / "train" / "ok").is_dir() and (top / "test" / "ko").is_dir()


def read_btad(top: Path, options: LoadOptions) -> AnomalyData:
    """Read one product of BTAD (Mishra et al., 2021): ``01``, ``02`` or ``03``."""
    return read_mvtec(top, options, Places(good="ok"))


BTAD = Layout("btad", "train/ok, test/ok, test/ko and ground_truth/ko", is_btad, read_btad)
