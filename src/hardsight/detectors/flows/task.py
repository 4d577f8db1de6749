"""The task of training a flow on the features of normal images."""

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from hardsight.augment import AugmentationPolicy
from hardsight.backbones import Backbone
from hardsight.core.batches import batched
from hardsight.detectors.flows.density import Density

KEPT = 2**28
"""Values of features that are kept in memory: a GiB."""


class FlowTask:
    """Draws normal images, and maximises the likelihood of their features.

    Where images are left as they are, features are computed once and kept, unless they are more
    than ``KEPT``.

    Args:
        density: what is trained.
        backbone: of the features; it is not trained.
        images: (N, 3, H, W) uint8, normal.
        policy: how they are changed.
    """

    def __init__(
        self, density: Density, backbone: Backbone, images: Tensor, policy: AugmentationPolicy
    ) -> None:
        self.module, self.backbone = density, backbone
        self.images, self.policy = images, policy
        self.kept = None if policy.changes else kept_features(backbone, images)

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw features (B, C, h, w) of each level, or images (B, 3, H, W) uint8."""
        if self.kept is None:
            return self.policy.drawn(size, generator, self.images)
        index = torch.randint(len(self.images), (size,), generator=generator)
        return tuple(level[index] for level in self.kept)

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the loss of the density, see its own."""
        levels = batch if self.kept is not None else features(self.backbone, batch[0])
        return self.module.loss(levels)


@torch.no_grad()
def features(backbone: Backbone, images: Tensor) -> list[Tensor]:
    """Return the features (B, C, h, w) of images (B, 3, H, W) uint8, on the device of these."""
    found: list[Tensor] = backbone.to(images.device)(images.float() / 255)
    return found


def feature_batches(
    backbone: Backbone, images: Tensor, device: torch.device
) -> Iterator[list[Tensor]]:
    """Yield the features of all images (N, 3, H, W) uint8, computed on a device."""
    for part in batched(images, 16):
        yield features(backbone, part.to(device))


def kept_features(backbone: Backbone, images: Tensor) -> tuple[Tensor, ...] | None:
    """Return the features of all images on the CPU; None if they are more than ``KEPT`` values."""
    size = images.shape[-2] * images.shape[-1]
    each = sum(c * size / s**2 for c, s in zip(backbone.channels, backbone.strides, strict=True))
    if each * len(images) > KEPT:
        return None
    batches = feature_batches(backbone, images, backbone.mean.device)
    return tuple(torch.cat([level.cpu() for level in rows]) for rows in zip(*batches, strict=True))
