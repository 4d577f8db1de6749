"""The task of teaching a patch description network what a pretrained backbone finds."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from hardsight.augment import AugmentationPolicy
from hardsight.backbones import Backbone, patch_features
from hardsight.core.batches import batched
from hardsight.detectors.channel_statistics import channel_statistics
from hardsight.detectors.distillation.patch_description import MARGIN, PatchDescription
from hardsight.detectors.distillation.photographs import random_crops


class BackboneDescriptions(nn.Module):
    """Describe patches by a backbone's features, standardised over given images.

    Args:
        backbone: pretrained.
        images: (N, 3, H, W) uint8.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Backbone, images: Tensor) -> None:
        super().__init__()
        self.backbone = backbone
        where = backbone.mean.device
        mean, std = channel_statistics(
            self.features(part.to(where).float() / 255) for part in batched(images, 8)
        )
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def features(self, images: Tensor) -> Tensor:
        """Return the features where ``PatchDescription`` has patches, as wide as all scales."""
        side = images.shape[-1] // 4
        found = patch_features(self.backbone(images), side)
        return found[..., MARGIN : side - MARGIN, MARGIN : side - MARGIN]

    def forward(self, images: Tensor) -> Tensor:
        """Return descriptions of mean about 0 and spread about 1."""
        return (self.features(images) - self.mean) / self.std


class DescriptionTask:
    """Draws photographs and normal images, as many of each; the loss is a squared difference.

    Args:
        network: what is trained.
        expected: what it is to find.
        images: (N, 3, H, W) uint8, normal.
        policy: how they are changed.
        pictures: (3, h, w) uint8 each, see ``photographs``.
    """

    def __init__(
        self,
        network: PatchDescription,
        expected: BackboneDescriptions,
        images: Tensor,
        policy: AugmentationPolicy,
        pictures: Sequence[Tensor],
    ) -> None:
        self.module = network
        self.expected, self.images, self.policy = expected, images, policy
        self.pictures = tuple(pictures)

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw images (B, 3, H, W) uint8."""
        half = size // 2
        shown = random_crops(self.pictures, size - half, self.images.shape[-1], generator)
        if half == 0:
            return (shown,)
        (normal,) = self.policy.drawn(half, generator, self.images)
        return (torch.cat([shown, normal]),)

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean squared difference of a batch."""
        (images,) = batch
        x = images.float() / 255
        with torch.no_grad():
            expected = self.expected.to(images.device)(x)
        found: Tensor = (self.module(x) - expected).square().mean()
        return found
