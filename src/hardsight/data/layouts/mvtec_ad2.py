"""MVTec AD 2, whose public test images have labels and whose private ones have none."""

from pathlib import Path

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.layouts.layout import Layout
from hardsight.data.layouts.mvtec import Places, is_mvtec, read_mvtec
from hardsight.data.options import LoadOptions

PLACES = Places(
    test="test_public",
    masks="test_public/ground_truth",
    unlabelled=("test_private", "test_private_mixed"),
)


def is_mvtec_ad2(top: Path) -> bool:
    """Tell whether a folder has ``train/good`` and ``test_public``."""
    return is_mvtec(top) and (top / PLACES.test).is_dir()


def read_mvtec_ad2(top: Path, options: LoadOptions) -> AnomalyData:
    """Read one category of MVTec AD 2 (Heckler-Kram et al., 2025), its public test set.

    ``train/good``, ``validation/good``, ``test_public/{good,bad}`` and
    ``test_public/ground_truth/bad/<stem>_mask.png``. ``test_private`` and ``test_private_mixed``
    are scored by MVTec's server alone, and are left out.
    """
    return read_mvtec(top, options, PLACES)


MVTEC_AD2 = Layout(
    "mvtec_ad2",
    "train/good, test_public/good and test_public/bad",
    is_mvtec_ad2,
    read_mvtec_ad2,
)
