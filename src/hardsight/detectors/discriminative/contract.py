"""What a fit of a discriminator needs of its detector."""

from typing import Protocol, TypeVar

import torch
from torch import Tensor

from hardsight.backbones import Backbone
from hardsight.core.batches import batched
from hardsight.detectors.discriminative.judge import PatchJudge
from hardsight.detectors.fitting import Trainable


class Judging(Trainable, Protocol):
    """A detector that judges patches, see ``PatchDiscriminator``."""

    backbone: Backbone
    judge: PatchJudge
    side: int
    """Patches in a line."""

    def features(self, images: Tensor) -> Tensor:
        """Return the features (B, C, h, w) of patches of images (B, 3, H, W)."""


J = TypeVar("J", bound=Judging)


@torch.no_grad()
def fixed_features(detector: Judging, images: Tensor) -> Tensor:
    """Return the features of images (B, 3, H, W) in [0, 1] without gradient, where these are."""
    detector.backbone.to(images.device)
    return detector.features(images)


def prepare_judge(detector: Judging, images: Tensor) -> None:
    """Load the backbone's weights, and learn the scale of its features, in place.

    Args:
        detector: what is fitted.
        images: (N, 3, H, W) uint8, normal.

    Raises:
        BackboneError: there are no such weights.
    """
    where = detector.judge.mean.device
    detector.backbone = detector.backbone.pretrained()
    detector.judge.standardise(
        fixed_features(detector, part.to(where).float() / 255) for part in batched(images, 16)
    )
