"""The result of a certification: what no perturbation within a radius can do on a test set."""

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hardsight.certify import NOT_A_CERTIFICATE
from hardsight.certify.confidence import check_alpha, check_samples
from hardsight.certify.percentile import check_quantile, check_sigma

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Terms:
    """What is certified, and with what confidence."""

    sigma: float
    """Standard deviation of the smoothing noise in [0, 1] pixel units."""
    n: int = 1000
    """Noisy copies an image, at most."""
    alpha: float = 0.001
    """Probability that a statement is false."""
    quantile: float = 0.5
    """Of the smoothed score; 0.5 is the median."""
    radii: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2)
    """L2, in [0, 1] pixel units, rising."""
    fpr: float = 0.05
    """False-positive rate at which the certified TPR is taken."""

    def __post_init__(self) -> None:
        check_sigma(self.sigma)
        check_samples(self.n)
        check_alpha(self.alpha)
        check_quantile(self.quantile)
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
        return max(1, math.ceil(self.quantile * self.n - 1e-9))


class Point(NamedTuple):
    """The certified metrics at one radius; None where early stopping leaves no bounds."""

    radius: float
    """L2, in [0, 1] pixel units."""
    linf: float
    """The largest L-infinity eps that this radius covers."""
    f1: float | None
    """Lowest F1 at the calibrated threshold, each bound with confidence 1 - alpha."""
    auroc: float | None = None
    """Each image's bound holds with confidence 1 - alpha by itself."""
    auroc_joint: float | None = None
    """All bounds hold together with confidence 1 - alpha (Bonferroni over the images)."""
    auroc_mean: float | None = None
    """FreeRAD's prediction by the mean: not a certificate."""
    tpr: float | None = None
    """Certified TPR at ``Terms.fpr``; per image."""
    tpr_joint: float | None = None
    f1_joint: float | None = None
    needed: float = math.nan
    """Noisy copies an image without which nothing is bounded at this radius."""
    needed_joint: float = math.nan
    """The same for the joint statement."""
    published: float | None = None
    """FreeRAD, Table 6, in [0, 1]; by the mean, with few noisy copies."""


class Settling(NamedTuple):
    """What early stopping does at one radius."""

    radius: float
    certain: int
    """Images whose decision is certain there."""
    samples: int
    """Noisy copies scored."""
    saved: int
    """Noisy copies that were, or would have been, saved."""


class SmoothedAttack(NamedTuple):
    """An attack of the smoothed score inside a radius."""

    name: str
    radius: float
    auroc: float
    """Of the smoothed score of the attacked images, on fresh noise."""
    certified: float
    """Certified AUROC, per image, of the same images."""
    images: int
    broken: int
    """Images whose smoothed score certainly left its bounds: 0, or something is wrong."""


@dataclass(frozen=True)
class PixelItem:
    """The pixels of one image that are certain."""

    name: str
    anomalous: bool
    image: Tensor
    """(C, H, W) in [0, 1]."""
    mask: Tensor | None
    """(H, W) bool; None for a normal image or where no mask is known."""
    median: float | None
    """Smoothed score; None with early stopping."""
    decision: int
    """A value of ``Decision``."""
    radius: float
    """In which the decision is certain; NaN where it abstains."""
    pixels: dict[float, NDArray[np.int8]]
    """Radius -> (H, W) values of ``Decision``."""


@dataclass(frozen=True)
class Certification:
    """Everything that was certified of one detector on one data set."""

    title: str
    design: str
    """A name of ``hardsight.detectors.adapters.smoothed.DESIGNS``."""
    terms: Terms
    threshold: float
    """Of the smoothed score, from held-out normal images."""
    statement: str
    """What the threshold means."""
    labels: NDArray[np.bool_]
    """(N,) true = anomalous, of the images that were certified."""
    names: tuple[str, ...]
    scores: Floats
    """(n, N) of the noisy copies; (0, N) with early stopping."""
    medians: Floats
    """(N,) empirical smoothed score; NaN with early stopping, which would bias it."""
    decisions: NDArray[np.int8]
    """(N,) values of ``Decision`` at the threshold."""
    radii: Floats
    """(N,) in which the decisions are certain; NaN where they abstain."""
    rows: tuple[Point, ...]
    """At the radii asked for."""
    curve: tuple[Point, ...]
    """At many radii; empty with early stopping."""
    clean: float | None
    """AUROC of the empirical medians: the smoothed detector left alone."""
    clean_mean: float | None
    """AUROC of the empirical means."""
    settlings: tuple[Settling, ...]
    gallery: tuple[PixelItem, ...]
    seconds_per_image: float
    provenance: dict[str, str]
    notes: tuple[str, ...] = ()
    attacks: tuple[SmoothedAttack, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary, but scores and pictures; None for what is not finite."""
        plain = {k: v for k, v in vars(self).items() if k not in ("gallery", "scores")}
        found = plain | {
            "terms": asdict(self.terms),
            "rows": [p._asdict() for p in self.rows],
            "curve": [p._asdict() for p in self.curve],
            "settlings": [s._asdict() for s in self.settlings],
            "attacks": [a._asdict() for a in self.attacks],
            "labels": self.labels.astype(int).tolist(),
            "medians": self.medians.tolist(),
            "decisions": self.decisions.tolist(),
            "radii": self.radii.tolist(),
            "auroc_mean is": NOT_A_CERTIFICATE,
        }
        finite: dict[str, Any] = _finite(found)
        return finite


def _finite(value: Any) -> Any:
    """Nested values with None for what JSON has no word for."""
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
