"""Percentile bootstrap intervals (Efron 1979); every resample keeps the class counts."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardsight.metrics.checks import Bools, Floats, finite, scored
from hardsight.metrics.image import auroc
from hardsight.metrics.pixel import stacks

Indices = NDArray[np.int64]


def _strata(
    labels: Bools, resamples: int, rng: np.random.Generator
) -> Iterator[tuple[Indices, Indices]]:
    """Yield, per resample, indices into the anomalous images and into the normal images."""
    p = int(labels.sum())
    for _ in range(resamples):
        yield rng.integers(0, p, p), rng.integers(0, labels.size - p, labels.size - p)


def percentiles(values: ArrayLike, level: float) -> tuple[float, float]:
    """Return between which two of resampled values (R,) the middle share ``level`` of them lies."""
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(finite(values, "the statistic's values"), [tail, 1.0 - tail])
    return float(low), float(high)


def check_resampling(resamples: int, level: float) -> None:
    """Refuse fewer resamples than one, and a level outside (0, 1).

    Raises:
        ValueError: either.
    """
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, got {resamples}; 1000 is usual")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be in (0, 1), got {level}; use 0.95 for 95 %")


def bootstrap(
    statistic: Callable[[Floats, Bools], float],
    scores: ArrayLike,
    labels: ArrayLike,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return (value, low, high): the statistic and its percentile interval over the images.

    For ``auroc`` the images are ranked once and each resample only counted: the same numbers as
    by calling the statistic, many times faster.

    Args:
        statistic: ``(scores, labels) -> float``.
        scores: (N,) finite; higher is more anomalous.
        labels: (N,) bool or 0 / 1, true = anomalous.
        resamples: number of bootstrap samples.
        level: coverage of the interval, in (0, 1).
        seed: same seed, same interval; two statistics with one seed see the same resamples.

    Raises:
        ValueError: as ``auroc``, or a parameter out of range.
    """
    check_resampling(resamples, level)
    s, y = scored(scores, labels)
    draws = _strata(y, resamples, np.random.default_rng(seed))
    anomalous, normal = s[y], s[~y]
    if statistic is auroc:
        order = np.argsort(normal, kind="stable")
        ranked = normal[order]
        left = np.searchsorted(ranked, anomalous, "left")
        right = np.searchsorted(ranked, anomalous, "right")
        pairs = 2.0 * anomalous.size * normal.size
        values = []
        for i, j in draws:
            below = np.append(0, np.cumsum(np.bincount(j, minlength=normal.size)[order]))
            wins = (below[left] + below[right])[i].sum()
            values.append(float(wins) / pairs)
    else:
        truth = np.arange(s.size) < anomalous.size
        values = [
            float(statistic(np.concatenate((anomalous[i], normal[j])), truth)) for i, j in draws
        ]
    return float(statistic(s, y)), *percentiles(values, level)


def bootstrap_over_draws(
    statistic: Callable[[Floats, Bools], float],
    scores: ArrayLike,
    labels: ArrayLike,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return (value, low, high) of the statistic of a *single* noise draw.

    The value is the mean over the D draws of the statistic of one draw. The interval says where
    that of one run on one such test set falls: each resample takes images with replacement and,
    for each of them on its own, one of its draws.

    Args:
        statistic: ``(scores, labels) -> float``.
        scores: (N, D) finite; column d is one noise draw for every image.
        labels: (N,) bool or 0 / 1, true = anomalous.
        resamples: number of bootstrap samples.
        level: coverage of the interval, in (0, 1).
        seed: same seed, same interval.

    Raises:
        ValueError: as ``auroc``, scores that are not (N, D), or a parameter out of range.
    """
    check_resampling(resamples, level)
    s = finite(scores, "scores")
    if s.ndim != 2:
        raise ValueError(f"scores must have shape (N, D), got {s.shape}; add [:, None] for D = 1")
    _, y = scored(s[:, 0], labels)
    value = float(np.mean([statistic(column, y) for column in s.T]))
    rng = np.random.default_rng(seed)
    anomalous, normal = s[y], s[~y]
    truth = np.arange(y.size) < len(anomalous)
    values = []
    for i, j in _strata(y, resamples, rng):
        a = anomalous[i, rng.integers(0, s.shape[1], i.size)]
        b = normal[j, rng.integers(0, s.shape[1], j.size)]
        values.append(float(statistic(np.concatenate((a, b)), truth)))
    return value, *percentiles(values, level)


def pixel_auroc_interval(
    maps: ArrayLike,
    masks: ArrayLike,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Return (value, low, high): the pixel AUROC and its interval over whole images.

    Pixels of one image are not independent, so images are resampled, those with a defect and
    those without apart. Every pair of images is ranked once (N passes over the defect pixels),
    after which a resample is a weighted sum over pairs: exact, and no resample sorts a pixel.

    Args:
        maps: (N, H, W) or (N, 1, H, W), higher is more anomalous.
        masks: the same shape, bool or 0 / 1.
        resamples: number of bootstrap samples.
        level: coverage of the interval, in (0, 1).
        seed: same seed, same interval.

    Raises:
        ValueError: as ``pixel_auroc``, or a parameter out of range.
    """
    check_resampling(resamples, level)
    a, m = stacks(maps, masks)
    n = m.shape[0]
    defects = m.sum(axis=(1, 2))
    normals = m[0].size - defects
    found, owner = a[m], np.nonzero(m)[0]
    order = np.argsort(found, kind="stable")
    found, owner = found[order], owner[order]
    wins = np.empty((n, n))  # (defect pixels of image i, normal pixels of image k), ties half
    for k in range(n):
        normal = np.sort(a[k][~m[k]])
        below = np.searchsorted(normal, found, "left") + np.searchsorted(normal, found, "right")
        wins[:, k] = np.bincount(owner, weights=below, minlength=n) / 2.0

    def ratio(w: NDArray[np.int64]) -> float:
        return float((w @ wins @ w) / ((w @ defects) * (w @ normals)))

    with_defect, without = np.flatnonzero(defects), np.flatnonzero(defects == 0)
    values = []
    for i, j in _strata(defects > 0, resamples, np.random.default_rng(seed)):
        w = np.bincount(np.concatenate((with_defect[i], without[j])), minlength=n)
        if w @ normals:  # else defects fill all of its images, and nothing is ranked
            values.append(ratio(w))
    return ratio(np.ones(n, dtype=np.int64)), *percentiles(values, level)
