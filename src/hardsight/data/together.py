"""Several categories as one data set."""

from collections.abc import Callable, Sequence

from hardsight.data.anomaly_data import AnomalyData
from hardsight.data.files import common_folder
from hardsight.data.image_set import ImageSet


def together(categories: Sequence[AnomalyData]) -> AnomalyData:
    """Put categories together: training, held-out and test images of all, in their order.

    Args:
        categories: at least one; one alone is returned as it is.

    Raises:
        ValueError: none, images of different sizes, or two categories of one name.
    """
    names = [one.name for one in categories]
    if not categories or len(set(names)) < len(names):
        raise ValueError(f"categories must be different, at least one, got {names}")
    if len(categories) == 1:
        return categories[0]
    sizes = sorted({one.train.size for one in categories})
    if len(sizes) > 1:
        raise ValueError(f"categories must be read at one size, got {sizes}")
    root = common_folder([one.root / "category" for one in categories])

    def joined(role: Callable[[AnomalyData], ImageSet]) -> ImageSet:
        sets = [role(one) for one in categories]
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
        categories=tuple(categories),
        notes=tuple(f"{one.name}: {note}" for one in categories for note in one.notes),
    )
