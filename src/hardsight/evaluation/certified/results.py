"""The result of a certification: what no perturbation within a radius can do on a test set."""

import math
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hardsight.certify import ABSTAIN, NOT_A_CERTIFICATE, linf_radius
from hardsight.data.labelled import class_name
from hardsight.evaluation.certified.plan import Terms

Floats = NDArray[np.float64]


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
    """AUROC of the smoothed score of the attacked images, on fresh noise."""
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
    """A name of ``hardsight.detectors.adapters.designs.DESIGNS``."""
    terms: Terms
    threshold: float
    """Threshold of the smoothed score, from held-out normal images."""
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

    def __repr__(self) -> str:
        lines = (f"\n  {row}" for row in self.rows)
        return f"Certification({self.title!r}, {len(self.labels)} images{''.join(lines)})"

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


class AttackedVote(NamedTuple):
    """An attack of the smoothed classifier inside a radius."""

    name: str
    radius: float
    accuracy: float
    """Empirical accuracy of the vote on the attacked images, by fresh copies."""
    certified: float
    """Certified accuracy of the same images."""
    images: int
    broken: int
    """Images that lost the vote certainly, although certified: 0, or something is wrong."""


class AccuracyPoint(NamedTuple):
    """What is certified at one radius."""

    radius: float
    """L2, in [0, 1] pixel units."""
    linf: float
    """The largest L-infinity eps that this radius covers."""
    accuracy: float
    """Share of the images that keep their true label throughout the radius."""


@dataclass(frozen=True)
class ClassCertification:
    """What was certified of one classifier."""

    title: str
    terms: Terms
    joint: bool
    """Whether all images' statements hold together with confidence 1 - alpha, or each by itself."""
    index: NDArray[np.intp]
    """(M,) places in the data set of the images that were certified."""
    labels: NDArray[np.int64]
    """(M,) true classes."""
    predicted: NDArray[np.int64]
    """(M,) the smoothed classifier's; ABSTAIN where no class certainly wins."""
    radii: NDArray[np.float64]
    """(M,) in which the predictions are certain; NaN where it abstains."""
    values: int
    """Values of an image, channels x height x width."""
    seconds_per_image: float
    classes: tuple[str, ...] = ()
    """Their names; their numbers where there are none."""
    provenance: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What was not covered, besides what no such certificate covers."""
    attacks: tuple[AttackedVote, ...] = ()

    def __repr__(self) -> str:
        lines = (f"\n  {row}" for row in self.rows)
        return f"ClassCertification({self.title!r}, {len(self.labels)} images{''.join(lines)})"

    @property
    def rows(self) -> tuple[AccuracyPoint, ...]:
        """The curve at the radii asked for."""
        return tuple(
            AccuracyPoint(r, linf_radius(r, self.values), self.accuracy(r))
            for r in self.terms.radii
        )

    @property
    def abstained(self) -> float:
        """Share of the images without a prediction."""
        return float(np.isnan(self.radii).mean())

    def accuracy(self, radius: float) -> float:
        """Cohen et al. (2019), section 4: the share that is right, and certainly so, at a radius.

        Beyond the largest radius that n votes can certify it is 0.
        """
        return float(((self.predicted == self.labels) & (self.radii >= radius)).mean())

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary; None for the class and radius of an abstention."""
        named = partial(class_name, self.classes)
        said = (None if p == ABSTAIN else named(p) for p in self.predicted)
        rows = zip(self.index, map(named, self.labels), said, self.radii, strict=True)
        values: dict[str, Any] = _finite(
            {
                "title": self.title,
                "terms": asdict(self.terms),
                "joint": self.joint,
                "rows": [p._asdict() for p in self.rows],
                "attacks": [a._asdict() for a in self.attacks],
                "abstained": self.abstained,
                "seconds_per_image": self.seconds_per_image,
                "images": [
                    {"index": int(i), "class": true, "predicted": p, "radius": float(r)}
                    for i, true, p, r in rows
                ],
                "notes": list(self.notes),
                "provenance": self.provenance,
            }
        )
        return values


def _finite(value: Any) -> Any:
    """Return nested values with None for what JSON has no word for."""
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
