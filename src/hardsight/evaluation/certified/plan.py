"""What is certified, and how it is sampled."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

from hardsight.certify.confidence import check_alpha, check_samples
from hardsight.certify.percentile import check_quantile, check_sigma
from hardsight.core.rounding import ceil


@dataclass(frozen=True)
class Terms:
    """What is certified, and with what confidence.

    Args:
        sigma: standard deviation of the smoothing noise in [0, 1] pixel units.
        n: noisy copies an image, at most.
        alpha: probability that a statement is false.
        quantile: of the smoothed score; 0.5 is the median.
        radii: L2, in [0, 1] pixel units, rising, for the table.
        fpr: false-positive rate at which the certified TPR is taken.

    Raises:
        ValueError: one of them is out of its range.
    """

    sigma: float
    n: int = 1000
    alpha: float = 0.001
    quantile: float = 0.5
    radii: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2)
    fpr: float = 0.05

    def __post_init__(self) -> None:
        check_sigma(self.sigma)
        check_samples(self.n)
        check_alpha(self.alpha)
        check_quantile(self.quantile)
        if not isinstance(self.radii, Sequence) or not all(isinstance(r, Real) for r in self.radii):
            raise ValueError(
                f"radii must be rising numbers >= 0, as (0.0, 0.1), got {self.radii!r}"
            )
        rising = all(a < b for a, b in zip(self.radii, self.radii[1:], strict=False))
        if not self.radii or not rising or not 0 <= self.radii[0] <= self.radii[-1] < math.inf:
            raise ValueError(f"radii must be rising numbers >= 0, got {self.radii}")
        if not 0 <= self.fpr <= 1:
            raise ValueError(f"fpr must be in [0, 1], got {self.fpr}; use 0.05 for 5 %")

    @property
    def bounds(self) -> dict[str, float]:
        """The arguments that every certificate takes."""
        return {"sigma": self.sigma, "alpha": self.alpha, "quantile": self.quantile}

    @property
    def rank(self) -> int:
        """Place of the empirical quantile among n sorted scores, from 1."""
        return max(1, ceil(self.quantile * self.n))


@dataclass(frozen=True)
class Smoothing:
    """How a detector is smoothed and sampled.

    Args:
        design: see ``hardsight.detectors.adapters.designs.DESIGNS``.
        early_stopping: stop sampling an image once its decision at the largest radius is settled
            (``hardsight.certify.decide``). Faster, but there are only decisions then: no AUROC, no
            other radius, no pixels.
        pixels: images whose pixels are certified and pictured, half of them anomalous.
        level: false-alarm rate of the threshold; None: 1 %, or the lowest the normals support.
        batch_size: noisy copies scored at a time; None: see ``noisy_batches``.
        seed: of all randomness.
    """

    design: str = "plain"
    early_stopping: bool = False
    pixels: int = 6
    level: float | None = None
    batch_size: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Voting:
    """How a classifier's vote is sampled.

    Args:
        selection: noisy copies that propose an image's class.
        joint: let all statements hold together (Bonferroni over the images).
        batch_size: noisy copies at a time; None: see ``noisy_batches``.
        seed: of all randomness.
    """

    selection: int = 100
    joint: bool = False
    batch_size: int | None = None
    seed: int = 0
