"""What a suite attacks: a model and what is true of a batch of images, as objectives by name."""

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from hardsight.attacks.contract import Objective
from hardsight.attacks.objectives.classes import (
    ClassObjective,
    CrossEntropyObjective,
    DLRObjective,
    MarginObjective,
)
from hardsight.attacks.objectives.deviation import (
    DEVIATIONS,
    DeviationObjective,
    Purifications,
    without_purifier,
)
from hardsight.attacks.objectives.draws import Model, evaluate_draws
from hardsight.attacks.objectives.maps import MAP_LOSSES, MapObjective, class_means, margins
from hardsight.attacks.objectives.regions import RegionMean, top_region
from hardsight.attacks.objectives.score import SURROGATES, DecisionObjective, ScoreObjective
from hardsight.core.capabilities import PurifyingClassifier
from hardsight.core.suggestions import choices


class Victim(Protocol):
    """The model to be fooled, and the truth about the images it is to be fooled about."""

    @property
    def model(self) -> nn.Module:
        """Return what is attacked."""
        ...

    @property
    def source(self) -> nn.Module | None:
        """Return what a transferred attack is crafted on; None where there is no such model."""
        ...

    def of(self, model: nn.Module) -> Self:
        """Return the same truth about another model."""
        ...

    def lacks(self, name: str) -> str | None:
        """Return why there can be no objective called ``name``; None: it has all it needs."""
        ...

    def objective(
        self,
        name: str,
        images: Tensor,
        draws: int = 1,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Objective:
        """Return an objective for clean images.

        Args:
            name: one the victim knows.
            images: (B, C, H, W) in [0, 1], clean.
            draws: noise draws averaged.
            noise: fixed and known; None draws it afresh.
            generator: of what it takes to look at the clean images first.

        Raises:
            ValueError: what it ``lacks``.
        """
        ...

    def judge(self, draws: int, noise: Tensor | None = None) -> Objective:
        """Return what tells which of several attacks did the most harm.

        Args:
            draws: fresh noise draws averaged.
            noise: fixed and known; None draws it afresh.
        """
        ...


@dataclass(frozen=True)
class ScoreVictim:
    """A detector whose image score is attacked.

    Args:
        model: the detector.
        labels: (B,) bool, true = anomalous.
        threshold: of the score; None: not calibrated, and no decision can be attacked.
        source: another detector, for transferred attacks.
    """

    model: nn.Module
    labels: Tensor
    threshold: float | None = None
    source: nn.Module | None = None
    names: ClassVar[tuple[str, ...]] = (*SURROGATES, "region", "decision")

    def of(self, model: nn.Module) -> "ScoreVictim":
        """Return the same labels for another detector, whose threshold is not known."""
        return replace(self, model=model, threshold=None)

    def lacks(self, name: str) -> str | None:
        """Return why the objective cannot be built: a decision needs a threshold."""
        if name == "decision" and self.threshold is None:
            return 'objective="decision" needs a threshold: calibrate the detector'
        return _unknown(name, "a score", self.names)

    def objective(
        self,
        name: str,
        images: Tensor,
        draws: int = 1,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Objective:
        """Build one of ``names``; "region" is the mean of the map where it is largest now."""
        _refuse(self.lacks(name))
        if name == "decision":
            assert self.threshold is not None
            return DecisionObjective(self.model, self.labels, self.threshold, draws, noise)
        if name == "region":
            with torch.no_grad():
                clean = evaluate_draws(self.model, images, 1, generator, noise, scores=True)
            region = RegionMean(top_region(clean.anomaly_map))
            return ScoreObjective(self.model, self.labels, draws, region, noise)
        return ScoreObjective(self.model, self.labels, draws, name, noise)

    def judge(self, draws: int, noise: Tensor | None = None) -> Objective:
        """Return the true score."""
        return ScoreObjective(self.model, self.labels, draws, noise=noise)


@dataclass(frozen=True)
class MapVictim:
    """A detector whose anomaly map is attacked.

    Args:
        model: the detector.
        masks: (B, 1, H, W) bool, true = anomalous.
        threshold: value of the map that divides normal from anomalous pixels.
        scale: spread of the map's values.
        source: another detector, for transferred attacks.
    """

    model: nn.Module
    masks: Tensor
    threshold: float
    scale: float
    source: nn.Module | None = None
    names: ClassVar[tuple[str, ...]] = tuple(MAP_LOSSES)

    def of(self, model: nn.Module) -> "MapVictim":
        """Return the same masks for another detector of the same scale."""
        return replace(self, model=model)

    def lacks(self, name: str) -> str | None:
        """Return why the objective cannot be built: it is not of a map."""
        return _unknown(name, "a map", self.names)

    def objective(
        self,
        name: str,
        images: Tensor,
        draws: int = 1,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Objective:
        """Build one of ``MAP_LOSSES``."""
        _refuse(self.lacks(name))
        scale = (self.threshold, self.scale)
        return MapObjective(self.model, self.masks, name, draws, *scale, noise=noise)

    def judge(self, draws: int, noise: Tensor | None = None) -> Objective:
        """Return how high normal pixels rank above anomalous ones, on the scale of clean maps."""
        scale = (self.threshold, self.scale)
        return MapObjective(self.model, self.masks, _rank, draws, *scale, noise=noise)


def _unknown(name: str, of: str, names: tuple[str, ...]) -> str | None:
    """Return that there is no objective of a name; None where there is."""
    return None if name in names else f"objective={name!r} is not of {of}; {choices(name, names)}"


def _refuse(lacking: str | None) -> None:
    """Refuse an objective that a victim lacks something for."""
    if lacking is not None:
        raise ValueError(lacking)


def _rank(logits: Tensor, masks: Tensor, fraction: float) -> Tensor:
    """Return class means (B,) of a logistic's distribution function: no pixel outweighs."""
    return class_means(torch.sigmoid(margins(logits, masks)), masks)


CLASS_OBJECTIVES: dict[str, type[ClassObjective]] = {
    "ce": CrossEntropyObjective,
    "margin": MarginObjective,
    "dlr": DLRObjective,
}
"""Name -> objective of a classifier; "decision" is the margin, whose zero is the boundary."""


@dataclass(frozen=True)
class ClassVictim:
    """A classifier.

    Args:
        model: images (B, C, H, W) -> logits (B, K); see ``ClassObjective``.
        labels: (B,) true classes.
        source: another classifier, for transferred and grey-box attacks.
    """

    model: Model
    labels: Tensor
    source: nn.Module | None = None
    names: ClassVar[tuple[str, ...]] = (*CLASS_OBJECTIVES, "decision", *DEVIATIONS)

    def of(self, model: nn.Module) -> "ClassVictim":
        """Return the same labels for another classifier."""
        return replace(self, model=model)

    def lacks(self, name: str) -> str | None:
        """Return why the objective cannot be built: a deviation needs a purifier."""
        if name in DEVIATIONS and not isinstance(self.model, PurifyingClassifier):
            return without_purifier(self.model)
        return _unknown(name, "a classifier", self.names)

    def objective(
        self,
        name: str,
        images: Tensor,
        draws: int = 1,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Objective:
        """Build one of ``names``."""
        _refuse(self.lacks(name))
        if name in DEVIATIONS:
            reference = Purifications(self.model).mean(images, noise=noise, generator=generator)
            how = (reference, DEVIATIONS[name], draws, noise)
            return DeviationObjective(self.model, self.labels, *how)
        kinds = CLASS_OBJECTIVES | {"decision": MarginObjective}
        return kinds[name](self.model, self.labels, draws, noise)

    def judge(self, draws: int, noise: Tensor | None = None) -> Objective:
        """Return the margin: above 0, the image is misclassified."""
        return MarginObjective(self.model, self.labels, draws, noise)
