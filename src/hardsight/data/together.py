"""Several categories as one data set."""

from collections.abc import Callable, Sequence

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.files import common_folder
from hardsight.data.image_set import ImageSet


def together(parts: Sequence[AnomalyData]) -> AnomalyData:
    """Put categories together: training, held-out and test images of all, in their order.

    Args:
        parts: at least one, each of one category; one alone is returned as it is.

    Raises:
        ValueError: none, images of different sizes, or two categories of one name.
    """
    names = [part.name for part in parts]
    if not parts or len(set(names)) < len(names):
        raise ValueError(f"categories must be different, at least one, got {names}")
    if len(parts) == 1:
        return parts[0]
    sizes = sorted({part.train.size for part in parts})
    if len(sizes) > 1:
        raise ValueError(f"categories must be read at one size, got {sizes}")
    root = common_folder([part.root / "category" for part in parts])

    def joined(role: Callable[[AnomalyData], ImageSet]) -> ImageSet:
        sets = [role(part) for part in parts]
        samples = [sample for one in sets for sample in one.samples]
        whole = sets[0].of(samples, root)
        whole.skipped = [error for one in sets for error in one.skipped]
        return whole

    return AnomalyData(
        name="+".join(names),
        train=joined(lambda part: part.train),
        validation=joined(lambda part: part.validation),
        test=joined(lambda part: part.test),
        root=root,
        parts=tuple(parts),
        notes=tuple(f"{part.name}: {note}" for part in parts for note in part.notes),
    )
