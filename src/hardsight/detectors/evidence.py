"""On what validation evidence a fit chooses: normals, defective copies, an attack on both."""

from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Generator, Tensor, nn

from hardsight.attacks import PGD, Linf, Objective, frozen
from hardsight.attacks.gradient_free import searched_on
from hardsight.attacks.gradients import Oracle
from hardsight.core.batches import at_once
from hardsight.core.progress import quiet
from hardsight.core.words import fraction_of_255
from hardsight.synthesis import PseudoAnomalies, pseudo_anomalies


class Attackable(Protocol):
    """What is attacked: a Detector, by two of its methods."""

    def prepare(self, images: Tensor) -> Tensor:
        """Return stored images as the detector takes them."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yield the weights."""


Aim = Callable[[Tensor, Tensor], Objective]
"""(labels (B,) bool, masks (B, 1, H, W) bool) -> what an attack on their images maximises."""


def selection_score(clean: float, robust: float, weight: float) -> float:
    """Return the weighted mean of clean and robust AUROC, by which a fit chooses.

    A robust AUROC below one half counts as one half: where the attack wins, by how much it
    wins tells nothing about what is better for a part that is not attacked.
    """
    return (1 - weight) * clean + weight * max(robust, 0.5)


def lost_gradient(objective: Objective, images: Tensor, generator: Generator) -> Tensor:
    """Return (B,) bool, where an objective's gradient is zero or not finite.

    The generator is left as it is.
    """
    oracle = Oracle(objective, images, generator.clone_state())
    _, gradient = oracle(images)
    return oracle.nonfinite | ~gradient.flatten(1).any(1)


class Evidence(BaseModel):
    """The labelled images that decide, and how they are attacked; no test image is among them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    robust_weight: float = Field(0.5, ge=0, le=1)
    """Weight of the AUROC under attack beside the clean one."""
    eps: float = Field(8 / 255, ge=0, le=1)
    """L-inf radius of the attack, in [0, 1] pixel units."""
    steps: int = Field(5, ge=1)
    """PGD steps of the attack."""
    images: int = Field(16, ge=2)
    """Validation normals used at most."""
    copies: int = Field(1, ge=1)
    """Defective copies of each; the attack is tried on the first of them."""
    severities: tuple[float, float] = (0.3, 1.0)
    """Range of the synthetic defects' severity."""

    def evidence(self, validation: Tensor, seed: int) -> PseudoAnomalies:
        """Return validation normals and defective copies of them.

        Args:
            validation: (M, 3, H, W) uint8 normals held out of training, M >= 2; the first
                ``images`` are used.
            seed: of the defects.
        """
        if len(validation) < 2:
            raise ValueError(
                f"selection needs at least 2 validation normals, got {len(validation)}; "
                "add normal images, hold out a larger share of them, or choose nothing "
                "(selection=None, --no-select)"
            )
        generator = torch.Generator().manual_seed(seed)
        return pseudo_anomalies(validation[: self.images], self.copies, self.severities, generator)

    def statement(
        self, chosen: str, images: tuple[float, float], pixels: tuple[float, float] | None
    ) -> str:
        """Return how the best did on this evidence, in two sentences.

        Args:
            chosen: among what, with their number.
            images: AUROC clean and under attack.
            pixels: the same of maps; None: they were not looked at.
        """
        maps = "" if pixels is None else f"; of pixels {pixels[0]:.3f} and {pixels[1]:.3f}"
        return (
            f"On held-out normals and synthetic defects on them the best of {chosen} has an image "
            f"AUROC of {images[0]:.3f}, and {images[1]:.3f} under attack at "
            f"L-inf {fraction_of_255(self.eps)}{maps}. Other images may tell less: these chose it."
        )

    def attack(
        self,
        detector: Attackable,
        shown: PseudoAnomalies,
        aim: Aim,
        generator: Generator,
        progress: Callable[[int], None] = quiet,
    ) -> Tensor:
        """Attack images by PGD to (N, 3, H, W); ``progress`` is told how many are done.

        Images whose gradient is not finite, or vanishes where PGD ends, are attacked on by random
        search, so that no candidate is chosen because its gradient was lost.
        """
        attack = PGD(Linf(self.eps), steps=self.steps)
        parts = []
        with frozen(detector):
            batches = (torch.split(t, at_once(shown.images.shape, 8)) for t in shown)
            for images, labels, masks in zip(*batches, strict=True):
                x = detector.prepare(images)
                objective = aim(labels.to(x.device), masks.to(x.device))
                found = attack(objective, x, generator)
                lost = found.nonfinite | lost_gradient(objective, found.images, generator)
                found = searched_on(found._replace(nonfinite=lost), attack, objective, x, generator)
                parts.append(found.images.cpu())
                progress(sum(map(len, parts)))
        return torch.cat(parts)
