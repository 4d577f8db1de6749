"""Attacks of images that move in the parameters of a threat."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hardsight.attacks.balls import Linf
from hardsight.attacks.contract import Aimed, Divisible, Objective, Selectable, scheduled
from hardsight.attacks.entry import Entry
from hardsight.attacks.optimisers import Optimiser
from hardsight.attacks.threats.threat import Threat
from hardsight.core.types import AttackResult

BOX = Linf(0.5)
"""All parameters in [0, 1], as a ball round their middle."""


@dataclass(frozen=True)
class ParameterSpace(Entry):
    """An attack inside ``BOX``, of the parameters of a threat instead of the pixels.

    Args:
        threat: what makes images of parameters.
        optimiser: an attack whose ball is ``BOX``.

    Examples:
        >>> import torch
        >>> from hardsight.attacks import PGD
        >>> from hardsight.attacks.threats import Light, ParameterSpace
        >>> from hardsight.attacks.threats.parameter_space import BOX
        >>> def brightness(images, generator=None):
        ...     return images.mean((1, 2, 3))
        >>> grey = torch.full((1, 3, 4, 4), 0.5)
        >>> found = ParameterSpace(Light(0.2), PGD(BOX, steps=5))(brightness, grey)
        >>> bool(found.objective > 0.6)
        True
    """

    threat: Threat
    optimiser: Optimiser
    title = "parameter-space"

    def __post_init__(self) -> None:
        if self.optimiser.ball != BOX:
            raise ValueError(
                f"optimiser must attack in {BOX}, the box of all parameters, got "
                f"{self.optimiser.ball}"
            )

    @property
    def ball(self) -> Any:
        """Return the threat, which stands where other attacks have their ball."""
        return self.threat

    @property
    def by_gradient(self) -> bool:
        """As the attack of the parameters."""
        return isinstance(self.optimiser, Entry) and self.optimiser.by_gradient

    @property
    def evaluations(self) -> int:
        """Count the evaluations of the objective in one call."""
        return self.optimiser.evaluations

    def optimise(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None,
        start: Tensor | None,
    ) -> AttackResult:
        """Return the images of the worst parameters found.

        Raises:
            ValueError: a start, for an image does not tell its parameters, or a threat whose
                parameters belong to a whole set.
        """
        if self.threat.shared:
            raise ValueError(
                f"norm={self.threat.name!r} is one change for all images of a set, and this is an "
                "attack of single images; hardsight evaluate RUN --threat "
                f"{self.threat.name}, or hardsight.attacks.universal.craft"
            )
        if start is not None:
            raise ValueError(f"start must be None for {self.threat.name}: it has parameters")
        middle = images.new_full((len(images), *self.threat.shape(images)), 0.5)
        changed = OfParameters(objective, images, self.threat)
        found = self.optimiser(changed, middle, generator)
        with torch.no_grad():
            worst = self.threat.apply(images, found.images)
        return found._replace(images=worst)


@dataclass(frozen=True, eq=False)
class OfParameters:
    """An objective of images as one of the parameters that change them."""

    objective: Objective
    images: Tensor
    threat: Threat

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the objective (B,); ``images`` are the parameters (B, K, h, w)."""
        changed = self.threat.apply(self.images, images, generator)
        return self.objective(changed, generator)

    @property
    def model(self) -> Any:
        """Return what the objective evaluates; None where it names nothing."""
        return self.objective.model if isinstance(self.objective, Aimed) else None

    def at(self, fraction: float) -> "OfParameters":
        """Return the objective for the moment when ``fraction`` of the steps are done."""
        return OfParameters(scheduled(self.objective, fraction), self.images, self.threat)

    def parts(self, images: Tensor) -> list[tuple[float, Objective]]:
        """Return passes of fewer draws each, and their shares."""
        if not isinstance(self.objective, Divisible):
            return [(1.0, self)]
        parts = self.objective.parts(self.images)
        return [(share, OfParameters(part, self.images, self.threat)) for share, part in parts]

    def take(self, index: Tensor) -> "OfParameters":
        """Return the objective of some of the images.

        Raises:
            TypeError: it does not belong to single images.
        """
        if not isinstance(self.objective, Selectable):
            name = type(self.objective).__name__
            raise TypeError(f"objective {name} cannot be taken apart; give it a method take(index)")
        return OfParameters(self.objective.take(index), self.images[index], self.threat)
