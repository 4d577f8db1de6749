"""Plain folders of good and bad parts, and perhaps masks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hardsight.core.near import subfolders
from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.folder import folder
from hardsight.data.layouts.layout import Layout, LayoutError, is_good, left_out
from hardsight.data.options import LoadOptions

BAD = frozenset({"bad", "abnormal", "anomaly", "anomalies", "defect", "defects", "ng", "nok"})
"""Names of a folder of bad parts, in lower case."""
MASKS = frozenset({"mask", "masks", "ground_truth"})
"""Names of a folder of masks, in lower case."""


def is_good_bad(top: Path) -> bool:
    """Tell whether there is a folder of good parts."""
    return any(is_good(path) for path in subfolders(top))


def read_good_bad(top: Path, options: LoadOptions) -> AnomalyData:
    """Read ``normal`` (or ``good``), and perhaps ``abnormal`` and ``masks``.

    Other names are known too, see ``GOOD``, ``BAD`` and ``MASKS``; case does not matter. See
    ``folder`` for the rest and the errors.

    Raises:
        LayoutError: two names for one thing.
    """
    good = _one_of(top, is_good)
    bad = _one_of(top, lambda path: path.name.lower() in BAD)
    masks = _one_of(top, lambda path: path.name.lower() in MASKS)
    if good is None:
        raise LayoutError(f"no folder 'normal' or 'good' in {str(top)!r}")
    abnormal, mask = (path.name if path else None for path in (bad, masks))
    data = folder(good.name, abnormal, mask_dir=mask, root=top, **vars(options))
    known = [path for path in (good, bad, masks) if path is not None]
    return replace(data, notes=data.notes + tuple(left_out(top, known)))


def _one_of(top: Path, wanted: Callable[[Path], bool]) -> Path | None:
    """Return the one folder in ``top`` that is wanted, None if there is none."""
    found = [path for path in subfolders(top) if wanted(path)]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise LayoutError(f"{str(top)!r} holds {names}, which mean the same; keep one")
    return found[0] if found else None


GOOD_BAD = Layout(
    "good_bad",
    "good/ with bad/ and masks/ as far as there are any",
    is_good_bad,
    read_good_bad,
)
