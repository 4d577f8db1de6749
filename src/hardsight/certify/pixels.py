"""Pixel certificates: where the heat map is certainly above or below its threshold."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from hardsight.certify.confidence import binomial_cdf, check_samples, holm
from hardsight.certify.decision import Decision
from hardsight.certify.percentile import tail_levels
from hardsight.core.types import Detection


class PixelCounter:
    """A ``Scorer`` that counts on its way how often each pixel of the map is above a threshold.

    Given to ``score_samples`` it takes scores and pixel counts from the same noisy copies of one
    image; nothing but the counts is kept. Take a new one for every image.

    Args:
        detect: ``(images, generator) -> Detection``, such as ``detections(detector)``.
        threshold: of the map, fixed beforehand; a pixel strictly above is anomalous.
    """

    def __init__(
        self, detect: Callable[[Tensor, torch.Generator], Detection], threshold: float
    ) -> None:
        self.detect = detect
        self.threshold = threshold
        self.samples = 0
        self._above = torch.zeros((), dtype=torch.int64)
        self._nan = torch.zeros((), dtype=torch.bool)

    def __call__(self, images: Tensor, generator: torch.Generator, /) -> Tensor:
        """Score images (B, C, H, W) as (B,)."""
        found = self.detect(images, generator)
        maps = found.anomaly_map[:, 0]
        self._above = (maps > self.threshold).sum(0) + self._above
        self._nan = maps.isnan().any() | self._nan
        self.samples += len(images)
        return found.pred_score

    @property
    def above(self) -> NDArray[np.int64]:
        """(H, W) in how many of the ``samples`` each pixel was above the threshold.

        Raises:
            ValueError: nothing counted yet, or a map with NaN.
        """
        if self.samples == 0:
            raise ValueError("no map was counted yet; give the counter to score_samples first")
        if bool(self._nan):
            raise ValueError("an anomaly map held NaN; look at the detector before certifying it")
        return np.asarray(self._above.cpu().numpy(), dtype=np.int64)


def certify_pixels(
    above: ArrayLike,
    n: int,
    radius: float,
    sigma: float,
    alpha: float,
    quantile: float = 0.5,
) -> NDArray[np.int8]:
    """Return which pixels of the smoothed map are certain within ``radius``.

    Per pixel the exact binomial tests of ``percentile_bounds`` at the map threshold, in both
    directions, then Holm (1979) over all 2 x H x W of them: with confidence 1 - alpha *no* pixel of
    the picture is marked wrongly, however pixels depend on each other.

    Args:
        above: (H, W) or any shape; of n noisy maps, how many are above the threshold.
        n: noisy maps.
        radius: L2, in pixel units of the image.
        sigma: standard deviation of the smoothing noise.
        alpha: probability that any pixel of this image is marked wrongly.
        quantile: of the smoothed map, pixel by pixel; 0.5 is the median.

    Returns:
        The same shape, int8 values of ``Decision``: ANOMALOUS certainly above, NORMAL certainly at
        or below, UNDECIDED neither.
    """
    e = np.asarray(above, dtype=np.int64)
    if e.size == 0 or not 0 <= e.min() <= e.max() <= check_samples(n):
        raise ValueError(f"above must hold counts in [0, n={n}], got shape {e.shape}: {e}")
    low, high = tail_levels(radius, sigma, quantile)
    count = np.arange(n + 1)
    p_anomalous = binomial_cdf(count[::-1], n, low)[e]  # at most n - e at or below: so rare
    p_normal = binomial_cdf(count, n, high)[e]
    anomalous, normal = holm(np.stack([p_anomalous, p_normal]), alpha)
    decision = anomalous.astype(np.int8) * Decision.ANOMALOUS + normal * Decision.NORMAL
    return np.asarray(decision, dtype=np.int8)
