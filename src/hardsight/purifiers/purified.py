"""A purifier in front of a classifier."""

import math
from collections.abc import Callable
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from hardsight.core.capabilities import settings_of, title_of
from hardsight.core.precision import Choice, autocast
from hardsight.purifiers.base import Purifier
from hardsight.purifiers.draws import purify_draws, sample_draws

Combine = Literal["mean", "softmax", "vote"]
"""How several purifications of an image become one answer: the mean of their logits, the mean of
their probabilities, or a vote."""
SHORTER = 5
"""How many times fewer steps a surrogate process has (Lee & Kim, 2023: 20 of 100)."""


def identity(x: Tensor) -> Tensor:
    """Return the images: what BPDA takes a purifier for, backwards."""
    return x


class Purified(nn.Module):
    """Any purifier in front of any classifier: a deterministic function of (images, noise).

    In front of a detector see ``hardsight.PurifiedDetector``.

    A vote is flat, so its answer is the count of each class plus nearly a whole vote shared by
    mean probability: the count decides, probability breaks ties, and the gradient, which is the
    exact one, is that of the mean probability.

    Args:
        purifier: what comes first.
        classifier: images (B, C, H, W) -> logits (B, K): a module or any callable, among them
            torchvision's, timm's, RobustBench's, TorchScript's. One without a gradient serves as
            the target of attacks crafted elsewhere.
        draws: purifications of each image.
        combine: see ``Combine``.
        precision: of the purifier, see ``hardsight.core.precision``. The classifier computes in
            float32: logits of half precision would tie.
    """

    bypass: ClassVar[tuple[str, Callable[[Tensor], Tensor]]] = ("purifier", identity)

    def __init__(
        self,
        purifier: Purifier,
        classifier: Callable[[Tensor], Tensor],
        draws: int = 1,
        combine: Combine = "mean",
        precision: Choice = "fp32",
    ) -> None:
        super().__init__()
        if draws < 1:
            raise ValueError(f"draws must be at least 1, got {draws}")
        if combine not in get_args(Combine):
            known = ", ".join(get_args(Combine))
            raise ValueError(f"combine must be one of {known}, got {combine!r}")
        self.purifier = purifier
        self.classifier = classifier
        self.draws, self.combine, self.precision = draws, combine, precision
        self._noise_of = purifier.sample_noise  # also while a BPDA stands in for the purifier

    @property
    def title(self) -> str:
        """The classifier's, and the purifier's."""
        return f"{title_of(self.classifier)} behind {title_of(self.purifier)}"

    @property
    def settings(self) -> dict[str, Any]:
        """What decides its answers, besides weights, for the record."""
        own = {"draws": self.draws, "combine": self.combine, "precision": self.precision}
        parts = {
            "purifier": self.purifier.settings,
            "classifier": settings_of(self.classifier),
        }
        return parts | own

    def sample_noise(
        self, images: Tensor, generator: torch.Generator | None = None
    ) -> Tensor | None:
        """Draw all the randomness of one answer: (B, draws, ...); None: there is none."""
        return sample_draws(self._noise_of, images, self.draws, generator)

    def purify(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Purify (B, C, H, W) to (B, draws, C, H, W); one draw where there is no noise."""
        if noise is None:
            noise = self.sample_noise(images)
        with autocast(self.precision, images.device):
            return purify_draws(self.purifier, images, noise).to(images.dtype)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """Classify images (B, C, H, W) in [0, 1]: logits (B, K)."""
        return self.answer(self.purify(images, noise))

    def answer(self, purified: Tensor) -> Tensor:
        """Classify purifications (B, draws, C, H, W) of each image together: logits (B, K)."""
        each: Tensor = self.classifier(purified.flatten(0, 1))
        logits = torch.unflatten(each, 0, purified.shape[:2])
        if purified.shape[1] == 1:
            return logits[:, 0]
        if self.combine == "mean":
            return logits.mean(1)
        if self.combine == "softmax":
            return logits.log_softmax(2).logsumexp(1) - math.log(purified.shape[1])
        votes = nn.functional.one_hot(logits.argmax(2), logits.shape[2]).sum(1)
        return logits.softmax(2).mean(1) * (1 - 1e-3) + votes

    def surrogates(self) -> dict[str, nn.Module]:
        """Return what an attacker may follow in its place, see ``hardsight.attacks.attempts.Via``.

        "shorter": the purifier in fewer steps. "mean-logits", "mean-softmax": of a vote, the mean
        of what votes, which has a slope where the count is flat.
        """
        found: dict[str, nn.Module] = {}
        shorter = self.purifier.shortened(SHORTER)
        if shorter is not None:
            found["shorter"] = self._altered(shorter, self.combine)
        if self.combine == "vote" and self.draws > 1:
            smooth: dict[str, Combine] = {"mean-logits": "mean", "mean-softmax": "softmax"}
            for name, combine in smooth.items():
                found[name] = self._altered(self.purifier, combine)
        return found

    def _altered(self, purifier: Purifier, combine: Combine) -> "Purified":
        """Return the same classifier otherwise purified; its parts are in the mode they are in."""
        found = Purified(purifier, self.classifier, self.draws, combine, self.precision)
        found.training, purifier.training = self.training, self.purifier.training
        return found


def behind(model: object) -> nn.Module | None:
    """Return the classifier behind a purifier: what an attacker who does not know of it attacks."""
    found = model.classifier if isinstance(model, Purified) else None
    return found if isinstance(found, nn.Module) else None
