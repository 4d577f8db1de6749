"""The result of an evaluation: rows of a table, and what is needed to draw them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hardsight.data.images import Window, within

HELD_OUT = "AUROC, held-out"
"""The metric of a row that compares defects with the good parts the threshold was set on."""
OBJECT_ALONE = "AUROC, object alone"
"""The metric of a row that marks the whole object: what a map owes to knowing where that is."""


class Estimate(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


class Decisions(NamedTuple):
    """What a threshold decides on a test set."""

    found: int
    """Those of ``defects`` above the threshold."""
    defects: int
    false: int
    """Those of ``good`` above it."""
    good: int


@dataclass(frozen=True)
class Budget:
    """What the attacker was allowed to spend on an image."""

    name: str = ""
    """"fast", "full" or "own"; see ``hardsight.attacks.catalogue``."""
    attacks: str = ""
    """In words, e.g. "APGD 20 steps x 4 draws on score, mean"."""
    passes: int = 0
    """Network evaluations, most of them forward and backward, counted in single draws."""
    submissions: int = 1
    """How often an image was attacked and submitted: it counts by the worst answer."""


@dataclass(frozen=True)
class Row:
    """One line of the table: a metric under one attack, in the four noise columns.

    ``mean``: of all fresh draws together, or of the worst of several submissions. ``single``: one
    draw, its interval over draws and images. ``worst``: the worst of the draws for the defender,
    per image. ``fixed``: the noise is fixed and known to the attacker, the worst of all his
    attempts. A column is None where it was not measured.
    """

    attack: str
    """"clean", "pgd", "eot-pgd", ..."""
    target: str
    """"image" or "pixel": the level the attack aimed at and the metric speaks of."""
    metric: str
    """A name of ``hardsight.metrics.METRICS``, ``HELD_OUT`` or ``OBJECT_ALONE``."""
    mean: Estimate
    single: Estimate | None = None
    worst: Estimate | None = None
    fixed: Estimate | None = None
    norm: str | None = None
    """"Linf" or "L2"; None when clean."""
    eps: float = 0.0
    """Radius in [0, 1] pixel units."""
    fresh_draws: int = 0
    """Draws looked at after the attack, none of which it saw."""
    images: int = 0
    """Images that the figure is of; 0: a report of before, which did not say."""
    budget: Budget = field(default_factory=Budget)
    published: float | None = None
    """A paper's figure for the same row, in [0, 1]."""
    place: str = ""
    """Where that stands."""
    seconds_per_image: float = 0.0
    flags: tuple[str, ...] = ()
    """Reasons for which the row must not be trusted as it is, e.g. "not audited"."""

    @property
    def suite(self) -> str:
        """The attack's name without the radius that tells it from another of that name."""
        return self.attack.split(" ")[0]

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "Row":
        """Return the row of a report's JSON."""
        names = ("mean", "single", "worst", "fixed")
        estimates = {k: Estimate(*v) for k in names if (v := values[k]) is not None}
        budget, flags = Budget(**values["budget"]), tuple(values["flags"])
        return cls(**{**values, **estimates, "budget": budget, "flags": flags})


RADII = {"Linf": "eps", "L2": "L2 eps"}
"""Norm -> the x_label of a curve against its radius."""
SEVERITY = "severity of "
"""What the x_label of a curve against another threat begins with; its name follows."""


@dataclass(frozen=True)
class Curve:
    """The figure of a subject against something."""

    title: str
    x_label: str
    lines: dict[str, tuple[tuple[float, Estimate], ...]]
    """Name -> (x, figure) in rising x."""
    caption: str = ""
    measure: str = ""
    """What is drawn; "": the main figure of the subject."""

    @property
    def threat(self) -> str | None:
        """The threat against whose strength it is drawn, as "Linf" or "light"; None: no attack."""
        norms = {label: norm for norm, label in RADII.items()}
        named = self.x_label.removeprefix(SEVERITY)
        return norms.get(self.x_label) or (named if named != self.x_label else None)


@dataclass(frozen=True)
class Corrupted:
    """What one corruption at one severity did to a subject."""

    corruption: str
    """A key of ``hardsight.synthesis.CORRUPTIONS``."""
    severity: int
    """1 to 5."""
    figure: Estimate
    """AUROC, or accuracy."""
    change: float
    """Change of the figure from that of the images left alone."""
    decisions: Decisions | None = None
    """None: there is no threshold."""


class Averages(NamedTuple):
    """One suite over several threat models (Blau et al., 2022, section 4.2)."""

    suite: str
    threats: tuple[str, ...]
    all: float
    """AoA, over all threat models."""
    unseen: float | None
    """AwT, over those not trained on; None if there are none of these."""
    published: float | None = None
    """A paper's AoA over the same threat models."""
    published_unseen: float | None = None
    """Its AwT."""


@dataclass(frozen=True)
class GalleryItem:
    """The pictures of one test image under a detector."""

    name: str
    anomalous: bool
    image: Tensor
    """(C, H, W) in [0, 1], as are ``attacked`` and ``reconstruction`` (None: nothing to show)."""
    attacked: Tensor | None
    reconstruction: Tensor | None
    map_clean: Tensor
    """(H, W), as is ``map_attacked``."""
    map_attacked: Tensor | None
    mask: Tensor | None
    """(H, W) bool; None for a normal image or where no mask is known."""
    score_clean: float
    score_attacked: float | None

    def within(self, window: Window | None) -> "GalleryItem":
        """Return the pictures of a part of the image, its rows and columns; None: of all of it."""
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        cut: dict[str, Any] = {name: within(value, window) for name, value in tensors.items()}
        return replace(self, **cut)


@dataclass(frozen=True)
class ClassifiedItem:
    """The pictures of one test image under a classifier; (C, H, W) in [0, 1], None: not shown."""

    label: str
    image: Tensor
    attacked: Tensor | None
    purified: Tensor | None
    purified_attacked: Tensor | None
    said_clean: str
    """Class by the mean of the fresh draws."""
    said_attacked: str | None


def per_image(
    kind: Literal["detector", "classifier"],
    outputs: NDArray[Any],
    truth: NDArray[Any],
    worst: bool = False,
) -> NDArray[np.float64]:
    """Return (n,) a detector's mean scores, or the shares of draws that a classifier reads rightly.

    Args:
        kind: of the subject.
        outputs: (n, D) scores, or classes, one a draw or a submission.
        truth: (n,) labels, or the true classes.
        worst: whether not the mean counts but the worst for the defender, as of submissions.
    """
    read = kind == "classifier"
    values = (outputs == truth[:, None] if read else outputs).astype(float)
    if not worst:
        return np.asarray(values.mean(1))
    return np.asarray(np.where(read | truth.astype(bool), values.min(1), values.max(1)))


@dataclass(frozen=True)
class Evaluation:
    """Everything an evaluation measured of one subject on one data set."""

    title: str
    provenance: dict[str, str]
    """Model, preset, data, split hash, seed, commit, device, versions: shown as they are."""
    labels: NDArray[Any]
    """(N,) true = anomalous; of a classifier the true classes."""
    outputs: dict[str, NDArray[Any]]
    """Row's attack -> (n, D) scores, or classes, on the fresh draws, "clean" first."""
    rows: tuple[Row, ...]
    kind: Literal["detector", "classifier"] = "detector"
    """What was measured."""
    names: tuple[str, ...] = ()
    """(N,) the test images' paths, relative to the data set."""
    curves: tuple[Curve, ...] = ()
    corruptions: tuple[Corrupted, ...] = ()
    """By corruption, then severity; empty: none was tried."""
    gallery: tuple[GalleryItem, ...] | tuple[ClassifiedItem, ...] = ()
    gallery_attack: str = ""
    """The attack of the pictures."""
    notes: tuple[str, ...] = ()
    """Sentences a reader must know: what was skipped, partial or not covered."""
    known: tuple[str, ...] = ()
    """What is known of the published figures."""
    averages: tuple[Averages, ...] = ()
    """Averages of suites at several threat models."""
    classes: tuple[str, ...] = ()
    """Names, of a classifier."""
    threshold: float | None = None
    """Threshold of a detector's score."""
    thresholds: dict[str, float] = field(default_factory=dict)
    """On which normal images it was set -> the threshold; then the one that was set before it."""
    decided: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    """Attack, or radius of the curve -> (n,) scores on the known noise that decisions are made on,
    where there is a threshold."""
    false_alarm_level: float | None = None
    """The level the threshold was calibrated for, e.g. 0.01."""
    held_out: tuple[float, ...] = ()
    """Scores of the good parts that the threshold was set on, on the same noise."""

    def __repr__(self) -> str:
        lines = (f"\n  {r.attack}: {r.target} {r.metric} {r.mean.value:.3f}" for r in self.rows)
        return f"Evaluation({self.title!r}, {len(self.labels)} images{''.join(lines)})"

    @property
    def main(self) -> tuple[Row, ...]:
        """The rows of the main figure, clean first: one an attack, of the metric of the first."""
        figure = [(r.target, r.metric) for r in self.rows[:1]]
        return tuple(r for r in self.rows if (r.target, r.metric) in figure)

    def scores(self, attack: str) -> NDArray[np.float64]:
        """Return what stands behind the column "mean", see ``per_image`` and ``Row``."""
        outputs = self.outputs[attack]
        several = any(r.attack == attack and r.budget.submissions > 1 for r in self.rows)
        return per_image(self.kind, outputs, self.labels[: len(outputs)], worst=several)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary: all but the pictures."""
        skip = {"gallery", "labels", "outputs", "decided"}
        skip |= {"rows", "averages", "curves", "corruptions"}
        plain = {k: v for k, v in vars(self).items() if k not in skip}
        return plain | {
            "rows": [asdict(r) for r in self.rows],
            "averages": [a._asdict() for a in self.averages],
            "curves": [asdict(c) for c in self.curves],
            "corruptions": [
                asdict(c) | {"decisions": c.decisions and c.decisions._asdict()}
                for c in self.corruptions
            ],
            "labels": self.labels.astype(int).tolist(),
            "decided": {k: v.tolist() for k, v in self.decided.items()},
            "scores" if self.kind == "detector" else "predicted": {
                k: np.asarray(v).tolist() for k, v in self.outputs.items()
            },
        }
