"""The task of fine-tuning a backbone so that an attack cannot move its features (FARE)."""

import copy
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from hardsight.attacks import PGD, frozen
from hardsight.augment import AugmentationPolicy
from hardsight.backbones import Backbone
from hardsight.core.seeds import draw_seeds, generator_of


def feature_shift(levels: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """Return the squared distance (B,) of features from their targets, relative to these.

    Of every level the squared distance over the squared length of the target, each of them summed
    over the image; the mean of the levels.

    Shape:
        levels, targets: (B, C_i, h_i, w_i) each.
    """
    shares = [
        (x - y).square().flatten(1).sum(1) / y.square().flatten(1).sum(1).clamp_min(1e-12)
        for x, y in zip(levels, targets, strict=True)
    ]
    return torch.stack(shares).mean(0)


class FeatureShift:
    """Move a backbone's features as far as possible from where they are to be.

    Args:
        backbone: attacked.
        targets: features (B, C_i, h_i, w_i) of the images it will see, in order.
    """

    def __init__(self, backbone: Backbone, targets: Sequence[Tensor]) -> None:
        self.model, self.targets = backbone, targets

    def __call__(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Return what is to be maximised, (B,), of images (B, 3, H, W) in [0, 1]."""
        return feature_shift(self.model(images), self.targets)


class FineTuningTask:
    """Draws images of any sort; their original features are what attacked images are to have.

    Unsupervised adversarial fine-tuning (FARE, Schlarmann et al., 2024, Eq. 3), here of features of
    several scales. There are no labels, and clean features stay what they are: the unattacked image
    is one of those that the attack may choose. Batch norms keep their statistics.

    Args:
        backbone: fine-tuned in place, its weights with gradients; with pretrained weights.
        images: (N, 3, H, W) uint8.
        policy: how they are changed.
        attack: from a random start: at the image itself the shift has no gradient yet.
    """

    def __init__(
        self, backbone: Backbone, images: Tensor, policy: AugmentationPolicy, attack: PGD
    ) -> None:
        if not attack.random_start:
            raise ValueError("the attack needs random_start=True: features begin where they were")
        self.original = copy.deepcopy(backbone).requires_grad_(False)
        self.module = backbone.requires_grad_(True)
        self.images, self.policy, self.attack = images, policy, attack

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw (images (B, 3, H, W) uint8, seeds (B,))."""
        (x,) = self.policy.drawn(size, generator, self.images)
        return x, draw_seeds(size, generator)

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean shift of the features of attacked images."""
        images, seeds = batch
        generator = generator_of(seeds, images.device)
        x = images.float() / 255
        with torch.no_grad():
            targets = self.original.to(images.device)(x)
        with frozen(self.module):
            attacked = self.attack.last(FeatureShift(self.module, targets), x, generator)
        return feature_shift(self.module(attacked), targets).mean()
