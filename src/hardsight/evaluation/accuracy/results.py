"""The result of a classifier's evaluation."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hardsight.attacks import ATTACKS
from hardsight.evaluation.results import Estimate, Row


@dataclass(frozen=True)
class Curve:
    """Accuracy against something."""

    title: str
    x_label: str
    lines: dict[str, tuple[tuple[float, Estimate], ...]]
    """Name -> (x, accuracy) in rising x."""
    caption: str = ""


@dataclass(frozen=True)
class ClassPicture:
    """The pictures of one test image; (C, H, W) in [0, 1], None: nothing to show."""

    label: str
    image: Tensor
    attacked: Tensor | None
    purified: Tensor | None
    purified_attacked: Tensor | None
    said_clean: str
    """Class by the mean of the fresh draws."""
    said_attacked: str | None


class Averages(NamedTuple):
    """One suite over several threat models (Blau et al., 2022, section 4.2)."""

    suite: str
    threats: tuple[str, ...]
    all: float
    """AoA, over all threat models."""
    unseen: float | None
    """AwT, over those not trained on; None if there are none of these."""


@dataclass(frozen=True)
class Accuracy:
    """Everything measured of one classifier on one labelled set."""

    title: str
    provenance: dict[str, str]
    labels: NDArray[np.int64]
    """(N,) true classes."""
    classes: tuple[str, ...]
    rows: tuple[Row, ...]
    """Metric "accuracy", "clean" first."""
    places: tuple[str, ...]
    """Where each row's published figure stands; "" without one."""
    predicted: dict[str, NDArray[np.int64]]
    """Row's name -> (n, D) classes on the fresh draws."""
    averages: tuple[Averages, ...] = ()
    curves: tuple[Curve, ...] = ()
    gallery: tuple[ClassPicture, ...] = ()
    gallery_attack: str = ""
    """The attack of the pictures."""
    notes: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    """What is known of the published figures."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary: all but the pictures."""
        skip = {"gallery", "labels", "predicted", "rows", "averages", "curves"}
        plain = {k: v for k, v in vars(self).items() if k not in skip}
        return plain | {
            "rows": [asdict(r) for r in self.rows],
            "averages": [a._asdict() for a in self.averages],
            "curves": [asdict(c) for c in self.curves],
            "labels": self.labels.tolist(),
            "predicted": {k: v.tolist() for k, v in self.predicted.items()},
        }


DIAGNOSTICS = tuple(a.name for a in ATTACKS.values() if a.diagnostic)
"""Suites that do not see the exact gradient."""


def strongest(rows: Sequence[Row]) -> Row | None:
    """Return the attacked row that leaves the least; of equals one that sees the gradient."""
    attacked = [r for r in rows if r.norm]
    return min(
        attacked,
        key=lambda r: (r.mean.value, r.attack.split(" ")[0] in DIAGNOSTICS),
        default=None,
    )


def remarks(rows: Sequence[Row]) -> list[str]:
    """Return what the rows say about each other: diagnostics against exact attacks."""
    said = []
    for ball in dict.fromkeys((r.norm, r.eps) for r in rows if r.norm):
        here = {r.attack.split(" ")[0]: r for r in rows if (r.norm, r.eps) == ball}
        exact = {k: r for k, r in here.items() if k not in DIAGNOSTICS}
        if not exact:
            continue
        strongest = min(exact, key=lambda k: exact[k].mean.value)
        least = exact[strongest].mean.value
        for name in DIAGNOSTICS:
            if name not in here:
                continue
            gap = 100 * (here[name].mean.value - least)
            if gap > 0:
                said.append(
                    f"{name} overstates the accuracy under {strongest} by {gap:.1f} points: it is "
                    "a diagnostic, not a robust accuracy."
                )
            elif gap < 0:
                said.append(
                    f"{name} is stronger than {strongest}, by {-gap:.1f} points: the exact attacks "
                    "have not converged or their gradient is masked, and their figures are no "
                    "robust accuracy."
                )
    return said
