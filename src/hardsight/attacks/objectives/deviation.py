"""How far an attack drives what a purifier makes of an image."""

from typing import Self

import torch
from numpy.typing import ArrayLike
from torch import Generator, Tensor

from hardsight.attacks.objectives.classes import CrossEntropyObjective
from hardsight.attacks.objectives.draws import Model, evaluate_draws, mean_over_draws
from hardsight.core.capabilities import PurifyingClassifier, sample_noise

DEVIATIONS = {"deviation": 0.0, "ce+deviation": 1.0}
"""Name of an objective -> what the cross-entropy counts in it, beside the deviation."""
REFERENCE_DRAWS = 10
"""Purifications of a clean image, at least, whose mean is its reference."""


class DeviationObjective(CrossEntropyObjective):
    """``|P(x) - P(x0)|^2``, the deviated-reconstruction loss (DiffAttack, Kang et al., 2023).

    Summed over the pixels of the purified image P(x), and averaged over the draws. The reference
    P(x0) is the mean purification of the clean image. DiffAttack takes the loss at every step of
    the process, this one at its end. At x = x0 its slope may be zero: begin at random.

    Args:
        classifier: offers ``purify`` and ``answer``, as ``Purified`` does.
        labels: (B,) true classes.
        reference: (B, C, H, W), see ``Purifications.mean``.
        entropy: what the cross-entropy of the answer counts beside it; 0: no label is needed.
        draws, noise: as for every objective of classes.
    """

    def __init__(
        self,
        classifier: Model,
        labels: ArrayLike | Tensor,
        reference: Tensor,
        entropy: float = 0.0,
        draws: int = 1,
        noise: Tensor | None = None,
    ) -> None:
        super().__init__(classifier, labels, draws, noise)
        self.purifications = Purifications(classifier)
        self.reference, self.entropy = reference, entropy

    def __call__(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Return what is to be maximised, (B,), of images (B, C, H, W)."""
        found = evaluate_draws(self.purifications, images, self.repeats, generator, self.noise)
        rows = self.reference.repeat_interleave(len(found) // len(images), 0)[:, None]
        value = (found - rows).square().flatten(2).sum(2).mean(1)
        if self.entropy:
            value = value + self.entropy * self._loss(self.purifications.answer(found))
        return mean_over_draws(value, len(images))

    def take(self, index: Tensor) -> Self:
        """Return the objective of the images that ``index``, (n,) integers or (B,) bool, picks."""
        part = super().take(index)
        part.reference = self.reference[index]
        return part


class Purifications:
    """The purifications of a classifier's purifier as a model: images -> (N, draws, C, H, W).

    Raises:
        ValueError: the classifier has no purifier.
    """

    def __init__(self, classifier: Model) -> None:
        if not isinstance(classifier, PurifyingClassifier):
            raise ValueError(without_purifier(classifier))
        self.classifier: PurifyingClassifier = classifier

    def sample_noise(self, images: Tensor, generator: Generator | None = None) -> Tensor | None:
        """Draw the randomness of one answer."""
        return sample_noise(self.classifier, images, generator)

    def __call__(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Purify (N, C, H, W)."""
        return self.classifier.purify(images, noise)

    def answer(self, purified: Tensor) -> Tensor:
        """Classify purifications (N, draws, C, H, W): logits (N, K)."""
        return self.classifier.answer(purified)

    @torch.no_grad()
    def mean(
        self,
        images: Tensor,
        draws: int = REFERENCE_DRAWS,
        noise: Tensor | None = None,
        generator: Generator | None = None,
    ) -> Tensor:
        """Average the purifications (B, C, H, W) of clean images: ``draws`` of them, or on noise.

        A draw is an answer of the classifier, which itself may purify several times.
        """
        repeats = 1 if noise is not None else draws
        found: Tensor = evaluate_draws(self, images, repeats, generator, noise)
        return mean_over_draws(found.mean(1), len(images))


def without_purifier(classifier: Model) -> str:
    """Return what a classifier lacks that has no purifier, for the message."""
    return (
        "objective deviation needs a classifier behind a purifier (purify and answer), "
        f"got {type(classifier).__name__}; attack it by ce or margin"
    )
