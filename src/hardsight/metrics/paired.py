"""Whether one attack leaves a higher figure than another on the same images."""

import numpy as np
from numpy.typing import NDArray

from hardsight.metrics.bootstrap import percentiles

LEVEL = 0.99
"""Coverage of the interval: an audit compares often, and must not raise false alarms."""
RESAMPLES = 2000


def auroc_difference(
    a: NDArray[np.float64], b: NDArray[np.float64], labels: NDArray[np.bool_], seed: int = 0
) -> tuple[float, float, float]:
    """Return (value, low, high): AUROC(a) - AUROC(b), percentile bootstrap over the images.

    The two are paired: every resample takes the same images for both. Every pair of an anomalous
    and a normal image is ranked once; a resample is then a weighted sum over pairs, and exact.

    Args:
        a, b: (N,) finite scores; higher is more anomalous.
        labels: (N,) true = anomalous, both labels.
        seed: same seed, same interval.
    """
    anomalous, normal = np.flatnonzero(labels), np.flatnonzero(~labels)
    gain = _wins(a[anomalous], a[normal]) - _wins(b[anomalous], b[normal])
    rng = np.random.default_rng(seed)
    p, m = gain.shape
    u = rng.multinomial(p, np.full(p, 1 / p), RESAMPLES)
    v = rng.multinomial(m, np.full(m, 1 / m), RESAMPLES)
    return float(gain.mean()), *percentiles(((u @ gain) * v).sum(1) / gain.size, LEVEL)


def accuracy_difference(
    a: NDArray[np.bool_], b: NDArray[np.bool_], seed: int = 0
) -> tuple[float, float, float]:
    """Return (value, low, high): accuracy a - accuracy b, as ``auroc_difference`` of AUROCs.

    The two are paired, so that only the images count that one gets right and the other does not: a
    resample is a multinomial draw of how often either kind, or neither, is met.

    Args:
        a, b: (N,) whether each image is right.
        seed: same seed, same interval.
    """
    n = len(a)
    gained, lost = int((a & ~b).sum()), int((~a & b).sum())
    shares = np.array([gained, lost, n - gained - lost]) / n
    counts = np.random.default_rng(seed).multinomial(n, shares, RESAMPLES)
    return (gained - lost) / n, *percentiles((counts[:, 0] - counts[:, 1]) / n, LEVEL)


def _wins(anomalous: NDArray[np.float64], normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (P, M): 1 where the anomalous image scores higher, a half for a tie."""
    difference = anomalous[:, None] - normal
    return (np.sign(difference) + 1) / 2
