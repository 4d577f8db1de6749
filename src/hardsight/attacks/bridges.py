"""Bridges to other attack libraries: this project's victims there, their attacks here."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hardsight.attacks.balls import Ball, demand_ball
from hardsight.attacks.contract import Labelled, Objective, scheduled
from hardsight.attacks.entry import Entry, like_images
from hardsight.attacks.gradients import evaluate
from hardsight.attacks.objectives.draws import evaluate_draws
from hardsight.core.types import AttackResult


class TwoClasses(nn.Module):
    """A thresholded detector as a classifier of two classes, for libraries that know no scores.

    Logits (threshold - score, score - threshold) / scale: class 0 is normal, 1 anomalous. The
    cross-entropy of two logits far apart has no gradient in single precision, so ``scale`` should
    be the spread of scores on normal images; and what such a library finds is an attack of the
    decision, which can be weaker than one of the score. Attacks that need three classes (DLR) do
    not apply.

    Args:
        detector: images (B, C, H, W) -> object with ``pred_score``; its noise is drawn afresh at
            each call, from ``generator``.
        threshold: of the score.
        scale: positive, in units of the score.
        generator: of the noise; None: torch's global one.
    """

    def __init__(
        self,
        detector: nn.Module,
        threshold: float,
        scale: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if not scale > 0:
            raise ValueError(f"scale must be > 0, got {scale}")
        self.detector, self.threshold, self.scale = detector, threshold, scale
        self.generator = generator

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (B, 2) of images (B, C, H, W) in [0, 1]."""
        found = evaluate_draws(self.detector, images, 1, self.generator, scores=True)
        margin = (found.pred_score - self.threshold) / self.scale
        return torch.stack([-margin, margin], dim=1)


@dataclass(frozen=True)
class Foreign(Entry):
    """Another library's attack of a classifier as an optimiser of this project.

    Its images are projected into the ball, whatever the library did, and judged by the objective.
    The attack carries its own model, loss and random state.

    Args:
        ball: the threat model.
        attack: (images, labels) -> images, as torchattacks' attacks and foolbox's by a lambda.
        cost: evaluations of the model the attack makes, for the budget.

    Examples:
        >>> import torch
        >>> from hardsight.attacks import Foreign, Linf, MarginObjective
        >>> def classifier(images):  # bright or dark
        ...     light = images.mean((1, 2, 3))
        ...     return torch.stack([light, 1 - light], dim=1)
        >>> def theirs(images, labels):  # as torchattacks.PGD(classifier) is called
        ...     return images - 0.3
        >>> x, y = torch.full((1, 3, 4, 4), 0.55), torch.tensor([0])
        >>> found = Foreign(Linf(0.1), theirs)(MarginObjective(classifier, y), x)
        >>> round(float(found.images.min()), 2), bool(found.objective > 0)
        (0.45, True)
    """

    ball: Ball
    attack: Callable[[Tensor, Tensor], Tensor]
    cost: int = 1
    by_gradient = False  # it asks for its own

    def __post_init__(self) -> None:
        demand_ball(self.ball)

    @property
    def evaluations(self) -> int:
        """Count the evaluations of the model, as told, and the judgement."""
        return self.cost + 1

    def optimise(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None,
        start: Tensor | None,
    ) -> AttackResult:
        """Return the other library's images inside the ball; ``start`` cannot be passed on.

        Raises:
            TypeError: what is returned is no float tensor.
            ValueError: an objective without labels; what is returned has another shape, or NaN.
        """
        if not isinstance(objective, Labelled):
            raise ValueError(
                f"objective {type(objective).__name__} has no labels to hand to another library; "
                "use MarginObjective, CrossEntropyObjective or DLRObjective"
            )
        found = self.attack(images.clone(), objective.labels)
        found = self.ball.project(like_images(found, images, "what attack returns"), images)
        value = evaluate(scheduled(objective, 1.0), found, generator)
        return AttackResult.gradient_free(found, value.float(), self.evaluations)
