"""Are the good parts of a test set like those of training?"""

from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional

from hardsight.core.progress import Progress, part_of, quiet
from hardsight.data import AnomalyData
from hardsight.evaluation.subjects.synthetic import demand_defects

UNLIKE, CHANCE = 0.70, 0.01
"""Two sets are not alike where more than this share of their pairs is told apart, which happens by
chance with at most this probability."""
STATISTICS: dict[str, Callable[[Tensor], Tensor]] = {
    "brightness": lambda x: x.mean((1, 2, 3)),
    "contrast": lambda x: x.flatten(1).std(1),
    "sharpness": lambda x: (x - _blurred(x)).abs().mean((1, 2, 3)),
}
"""Name -> (B, 3, H, W) in [0, 1] -> (B,): of the whole picture, with no notion of a defect."""


class Comparison(NamedTuple):
    """How the values of one set lie to those of another."""

    higher: float
    """Share of pairs in which that of the first set is higher, ties half: its AUROC."""
    p_value: float
    """Probability of a difference as large by chance, two-sided (Mann and Whitney, 1947)."""

    @property
    def told_apart(self) -> float:
        """Share of pairs that the better of the two directions tells apart, in [0.5, 1]."""
        return max(self.higher, 1 - self.higher)

    @property
    def alike(self) -> bool:
        """Whether the two sets may be of one distribution, for all that these values say."""
        return self.told_apart <= UNLIKE or self.p_value > CHANCE


def compare(values: ArrayLike, others: ArrayLike) -> Comparison:
    """Compare (N,) values with (M,) others; both at least one and finite."""
    from scipy.stats import mannwhitneyu  # slow to import: not before it is needed

    a, b = np.asarray(values), np.asarray(others)
    test = mannwhitneyu(a, b)
    return Comparison(float(test.statistic) / (a.size * b.size), float(test.pvalue))


class Shift(NamedTuple):
    """How far one statistic of the whole picture shifts between the parts of a data set."""

    name: str
    """A key of ``STATISTICS``."""
    good: Comparison
    """Good parts of the test set with those of training, which should be alike."""
    defects: Comparison
    """Defects of the test set with its good parts."""


def warning(known: Iterable[Shift]) -> str | None:
    """Return what a user must know of a data set; None where good parts are alike."""
    open_ones = [one for one in known if not one.good.alike]
    if not open_ones:
        return None
    told = ", ".join(f"{one.name} (AUROC {one.good.told_apart:.3f})" for one in open_ones)
    ranking = [one for one in open_ones if not one.defects.alike]
    ranked = ", ".join(f"{one.name} {one.defects.told_apart:.3f}" for one in ranking)
    return (
        "good parts of the test set are told from those of training, though all are good, by "
        f"{told} of the whole picture: they were not taken alike. "
        + (
            f"That ranks defects against good parts too ({ranked}), so that a figure on this test "
            "set may speak of nothing else."
            if ranking
            else "A threshold set on good parts of training will not keep its promise on these."
        )
    )


def image_statistics(images: Tensor, progress: Progress = quiet) -> dict[str, NDArray[np.float64]]:
    """Return the values (N,) of every one of ``STATISTICS``, of images (N, 3, H, W).

    Args:
        images: uint8, or floats in [0, 1].
        progress: told of images that were looked at.
    """
    found: dict[str, list[Tensor]] = {name: [torch.empty(0)] for name in STATISTICS}
    done = 0
    for batch in torch.split(images, 32):
        x = batch.float() / 255 if batch.dtype == torch.uint8 else batch
        for name, statistic in STATISTICS.items():
            found[name].append(statistic(x))
        done += len(batch)
        progress("statistics", done, len(images))
    return {name: torch.cat(parts).double().numpy() for name, parts in found.items()}


def rows_of_statistics(images: Tensor) -> list[dict[str, float]]:
    """Return every one of ``STATISTICS`` of each of images (N, 3, H, W); see above."""
    found = image_statistics(images)
    rows = zip(*(values.tolist() for values in found.values()), strict=True)
    return [dict(zip(found, row, strict=True)) for row in rows]


def distribution_shifts(data: AnomalyData, progress: Progress = quiet) -> list[Shift]:
    """Return what ``STATISTICS`` know of a data set.

    Args:
        data: with normal training images.
        progress: told of images that were looked at.

    Raises:
        ValueError: a test set without both normal and anomalous images.
    """
    labels = demand_defects(data)
    parts = (data.train, data.validation, data.test)
    *starts, total = accumulate(map(len, parts), initial=0)
    train, validation, test = (
        image_statistics(part.images(), part_of(progress, start, total))
        for part, start in zip(parts, starts, strict=True)
    )
    found = []
    for name in STATISTICS:
        good, bad = test[name][~labels], test[name][labels]
        normal = np.concatenate([train[name], validation[name]])
        found.append(Shift(name, compare(good, normal), compare(bad, good)))
    return found


def _blurred(x: Tensor) -> Tensor:
    return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
