"""What is asked of a run's figures; None leaves a choice to what suits its model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hardsight.attacks import Suite, build_suite, parse_radius
from hardsight.attacks.class_suites import class_suite
from hardsight.detectors.adapters.purification import Form
from hardsight.evaluation import Protocol, Smoothing, Terms
from hardsight.evaluation.subjects.subject import Kind

Build = Callable[..., Suite]
"""``build_suite`` or ``class_suite``."""
VOTES, ATTACKED = 100, 8
"""Noisy copies of an image attacked within a certified radius; images attacked at a time."""


@dataclass(frozen=True)
class ImageChoice:
    """The images that a model is measured on.

    Args:
        path: of another data set; None: the run's own test images.
        limit: of them at most, evenly spread; None: all, or as many as an audit takes.
        balanced: of so many, take half of each label; of detectors alone.
        synthetic: take synthetic defects on good parts; of detectors alone.
        allow_data_change: go on although the run's data set changed.
    """

    path: str | Path | None = None
    limit: int | None = None
    balanced: bool = False
    synthetic: bool = False
    allow_data_change: bool = False


@dataclass(frozen=True)
class AttackChoice:
    """The attacks that a model is measured under.

    Args:
        suites: their names; empty: the usual ones; "none" alone: no attack, and no curve.
        norm, eps: the threat model.
        budget: "fast" or "full".
        effort: fields of ``Effort`` that differ from the budget's.
        curve: radii of the figure against eps, comma-separated; empty for none.
        source: folder of another run, from whose model attacks are transferred.
    """

    suites: Sequence[str] = ()
    norm: str | None = None
    eps: str | None = None
    budget: str = "fast"
    effort: Mapping[str, Any] = field(default_factory=dict)
    curve: str | None = None
    source: Path | None = None

    def names(self, usual: Sequence[str]) -> Sequence[str]:
        """Return the names of the suites, the usual ones where none are named."""
        return () if self.unattacked else self.suites or usual

    def built(self, build: Build, usual: Sequence[str], norm: str, eps: str | float) -> list[Suite]:
        """Return the suites that are asked for.

        Args:
            build: makes each of them.
            usual: names of suites where none are named.
            norm, eps: the threat model.

        Raises:
            ValueError: an unknown suite, norm, radius or budget.
        """
        names = self.names(usual)
        return [build(name, norm, eps, self.budget, **self.effort) for name in names]

    @property
    def unattacked(self) -> bool:
        """Whether no attack is asked for."""
        return tuple(self.suites) == ("none",)

    def radii(self, usual: Sequence[float]) -> list[float]:
        """Return the radii of the curve, the usual ones where none are named."""
        if self.curve is None:
            return [] if self.unattacked else list(usual)
        return [parse_radius(part) for part in self.curve.split(",") if part.strip()]


@dataclass(frozen=True)
class PurifierChoice:
    """The purifier that is put in front of a detector.

    Args:
        source: run or saved detector of method advrad or bastion, or the name of a start: its
            denoiser purifies.
        depths: t*; the first is that of all figures, and a curve has them all.
        form: see ``Purification``.

    Raises:
        ValueError: no depth.
    """

    source: str | Path
    depths: Sequence[int]
    form: Form = "one-shot"

    def __post_init__(self) -> None:
        if not self.depths:
            raise ValueError("depths is empty; name at least one t*, as 100")


@dataclass(frozen=True)
class CertificateChoice:
    """How a model is certified.

    Args:
        terms: what is certified.
        smoothing: how it is smoothed and sampled; of a classifier only seed and batch size count.
        designs: names of ``DESIGNS``, a certificate each; of detectors alone.
        sigmas: among which sigma is chosen on validation data, of detectors alone; empty: it is
            that of the terms.
        attacks: names of suites, run in L2 at every radius of the terms above 0.
        budget, effort: of the attacks, as of ``AttackChoice``.

    Raises:
        ValueError: attacks where nothing of theirs could be shown.
    """

    terms: Terms
    smoothing: Smoothing
    designs: Sequence[str] = ("plain",)
    sigmas: Sequence[float] = ()
    attacks: Sequence[str] = ()
    budget: str = "fast"
    effort: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.attacks and self.smoothing.early_stopping:
            raise ValueError(
                "early stopping leaves no bounds to hold an attack against; leave out "
                "--early-stopping or --attack"
            )
        if self.attacks and self.terms.radii[-1] == 0:
            raise ValueError(
                f"attacks are made at every radius above 0, got radii={self.terms.radii}; add one"
            )

    def suites(self, build: Build) -> list[Suite]:
        """Return the suites that are asked for; see ``AttackChoice.built``."""
        radii = [radius for radius in self.terms.radii if radius > 0]
        return [
            build(name, "L2", radius, self.budget, **self.effort)
            for name in self.attacks
            for radius in radii
        ]

    @property
    def protocol(self) -> Protocol:
        """How attacked images are looked at: by a hundred noisy copies each, or all there are."""
        how = self.smoothing
        return Protocol(min(VOTES, self.terms.n), how.seed, batch_size=ATTACKED, gallery=0)


def demand_effect(
    subject: Kind, names: Sequence[str], budget: str, effort: Mapping[str, Any]
) -> None:
    """Refuse a number of an effort that none of the named suites looks at.

    Args:
        subject: which is attacked.
        names: of the suites; empty: nothing is refused.
        budget, effort: of ``AttackChoice``.

    Raises:
        ValueError: naming the option.
    """
    build = build_suite if subject == "detector" else class_suite

    def made(**own: Any) -> list[tuple[Any, ...]]:
        suites = [build(name, "L2", 1.0, budget, **own) for name in names]  # where all can attack
        return [(suite.attempts, suite.submissions) for suite in suites]

    for key, value in effort.items():
        other = 2 * value + 3 * isinstance(value, int)
        if names and made(**{key: value}) == made(**{key: other}):
            raise ValueError(
                f"--{key.replace('_', '-')}={value} changes nothing of {', '.join(names)}; leave "
                "it out, or take another suite"
            )
