"""What an attacker of a classifier maximises."""

import copy
from abc import ABC, abstractmethod
from typing import ClassVar, Self

import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional as F

from hardsight.attacks.objectives.draws import (
    Model,
    count_repeats,
    evaluate_draws,
    mean_over_draws,
    split_draws,
)
from hardsight.core.batches import at_least_single
from hardsight.core.types import check_classes


class ClassObjective(ABC):
    """A function of the logits of each image, averaged over the draws of a random classifier.

    The function is averaged, not the logits: its gradient is the EOT gradient.

    Args:
        classifier: images (B, C, H, W) in [0, 1] -> logits (B, K). A random one may offer
            ``sample_noise(images, generator)`` and be called with (images, noise).
        labels: (B,) true classes, integers, for the images the objective will see, in order; a
            tensor, an array or a list.
        draws: noise draws averaged in each value and gradient.
        noise: fixed noise for every evaluation, known to the attacker; None draws it afresh.
        unit_gradients: average the draws' gradients at unit length, not as they are.
    """

    fewest_classes: ClassVar[int] = 2

    def __init__(
        self,
        classifier: Model,
        labels: ArrayLike | Tensor,
        draws: int = 1,
        noise: Tensor | None = None,
        unit_gradients: bool = False,
    ) -> None:
        self.model = classifier
        self.labels = check_classes(labels)
        self.largest = int(self.labels.max())
        self.noise = noise
        self.unit_gradients = unit_gradients
        self.repeats = count_repeats(classifier, draws, noise)

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return what is to be maximised, (B,), of images (B, C, H, W)."""
        return mean_over_draws(self._loss(self._logits(images, generator)), len(images))

    def outputs(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return logits (B, K) less the true class's, averaged over the draws."""
        logits = self._logits(images, generator)
        return mean_over_draws(logits - _pick(logits, self.labels)[:, None], len(images))

    def parts(self, images: Tensor) -> list[tuple[float, Self]]:
        """Return this objective in passes of fewer draws each, and their shares."""
        return split_draws(self, self.model, images)

    def take(self, index: Tensor) -> Self:
        """Return the objective of the images that ``index``, (n,) integers or (B,) bool, picks."""
        part = copy.copy(self)
        part.labels = self.labels[index]
        part.noise = None if self.noise is None else self.noise[index]
        return part

    def _logits(self, images: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return the logits (N, K) on every draw; N is a multiple of B."""
        if len(images) != len(self.labels):
            raise ValueError(f"{len(images)} images but {len(self.labels)} labels")
        logits: Tensor = evaluate_draws(
            self.model, images, self.repeats, generator, self.noise, self.unit_gradients
        )
        if logits.ndim != 2 or logits.shape[1] < self.fewest_classes:
            raise ValueError(
                f"{type(self).__name__} needs logits (B, K) of K >= {self.fewest_classes} classes, "
                f"got {tuple(logits.shape)}; MarginObjective and CrossEntropyObjective serve two "
                "classes, ScoreObjective a single number"
            )
        if logits.shape[1] <= self.largest:
            raise ValueError(
                f"a class of {self.largest} needs more than the {logits.shape[1]} logits given; "
                "classes count from 0"
            )
        return at_least_single(logits)  # losses of half precision would rise by steps

    @abstractmethod
    def _loss(self, logits: Tensor) -> Tensor:
        """Return the loss (N,) of logits (N, K)."""

    def _split(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Return the true class's logit (N,), and all (N, K) with it at minus infinity."""
        y = _rows(self.labels, logits)
        return _pick(logits, self.labels), logits.scatter(1, y, -torch.inf)


class CrossEntropyObjective(ClassObjective):
    """Minus the log-probability of the true class.

    Computed as ``softplus(logsumexp of the others - z_y)``: where the true class's probability
    rounds to 1, the usual form has lost the gradient of its logit, this one has not.
    """

    def _loss(self, logits: Tensor) -> Tensor:
        true, others = self._split(logits)
        return -F.logsigmoid(true - others.logsumexp(1))


class MarginObjective(ClassObjective):
    """``max_{j != y} z_j - z_y`` (Carlini & Wagner, 2017): positive where the image is misread."""

    def _loss(self, logits: Tensor) -> Tensor:
        true, others = self._split(logits)
        return others.amax(1) - true


class DLRObjective(ClassObjective):
    """``-(z_y - max_{j != y} z_j) / (z_pi1 - z_pi3)`` (Croce & Hein, 2020, Eq. 6).

    Shifting or scaling the logits changes nothing. Needs at least three classes: of two, it is
    their sign.
    """

    fewest_classes = 3

    def _loss(self, logits: Tensor) -> Tensor:
        true, others = self._split(logits)
        top = logits.topk(3, dim=1).values
        return (others.amax(1) - true) / (top[:, 0] - top[:, 2] + 1e-12)


class TargetedDLRObjective(ClassObjective):
    """``-(z_y - z_t) / (z_pi1 - (z_pi3 + z_pi4) / 2)`` (Croce & Hein, 2020, Eq. 7).

    Needs at least four classes.

    Args:
        classifier: as for every objective of classes.
        labels: (B,) true classes.
        targets: (B,) classes to be reached, other than the true ones.
        draws: noise draws averaged in each value and gradient.
        noise: fixed noise for every evaluation; None draws it afresh.
        unit_gradients: average the draws' gradients at unit length, not as they are.
    """

    fewest_classes = 4

    def __init__(
        self,
        classifier: Model,
        labels: ArrayLike | Tensor,
        targets: ArrayLike | Tensor,
        draws: int = 1,
        noise: Tensor | None = None,
        unit_gradients: bool = False,
    ) -> None:
        super().__init__(classifier, labels, draws, noise, unit_gradients)
        self.targets = check_classes(targets, "targets")
        self.largest = max(self.largest, int(self.targets.max()))
        if self.targets.shape != self.labels.shape or bool((self.targets == self.labels).any()):
            raise ValueError(
                "targets must be one class per image other than its label, got "
                f"{self.targets.tolist()} for labels {self.labels.tolist()}"
            )

    def take(self, index: Tensor) -> Self:
        """Return the objective of the images that ``index``, (n,) integers or (B,) bool, picks."""
        part = super().take(index)
        part.targets = self.targets[index]
        return part

    def _loss(self, logits: Tensor) -> Tensor:
        top = logits.topk(4, dim=1).values
        spread = top[:, 0] - (top[:, 2] + top[:, 3]) / 2
        return (_pick(logits, self.targets) - _pick(logits, self.labels)) / (spread + 1e-12)


def _rows(classes: Tensor, logits: Tensor) -> Tensor:
    """Return the class of each row of the logits, (N, 1), of one an image (B,)."""
    return classes.to(logits.device).repeat_interleave(len(logits) // len(classes))[:, None]


def _pick(logits: Tensor, classes: Tensor) -> Tensor:
    """Pick of (N, K) each row's logit of its image's class, (N,)."""
    return logits.gather(1, _rows(classes, logits)).squeeze(1)
