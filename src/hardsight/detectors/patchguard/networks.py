"""The networks that judge patches, by name."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hardsight.backbones.weights import IMAGENET_MEAN, IMAGENET_STD
from hardsight.core.modules import seeded
from hardsight.core.suggestions import choices
from hardsight.detectors.patchguard.convolutional import PatchResNet, PatchUNet
from hardsight.detectors.patchguard.patch_network import Layer, PatchNetwork
from hardsight.detectors.patchguard.vit import PatchViT

SPARSE: dict[str, int] = {"block": 16, "window": 3, "random": 1, "general": 1}


def _bigbird(size: int, sparse: dict[str, int] | None = None, **settings: Any) -> PatchViT:
    return PatchViT(size, sparse=SPARSE | (sparse or {}), **settings)


NETWORKS: dict[str, Callable[..., PatchNetwork]] = {
    "vit": PatchViT,
    "bigbird": _bigbird,
    "resnet": PatchResNet,
    "unet": PatchUNet,
}
"""Name -> network of images of ``size`` pixels. "bigbird" is the ViT with sparse attention."""


class Normalised(nn.Module):
    """A network of images in [0, 1] that ImageNet's mean and spread are taken off first."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: PatchNetwork) -> None:
        super().__init__()
        self.network = network
        self.cell, self.side = network.cell, network.side
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, 1, side, side) of images (B, 3, H, W) in [0, 1]."""
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits

    def with_attention(
        self, images: Tensor, layers: Sequence[Layer]
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the logits and the attention of layers, see ``PatchNetwork.with_attention``.

        Raises:
            ValueError: a network without attention, or without such a layer.
        """
        return self.network.with_attention((images - self.mean) / self.std, layers)


def build_network(config: dict[str, Any], size: int, seed: int) -> Normalised:
    """Return an untrained network whose weights the seed alone decides.

    Args:
        config: ``name`` of ``NETWORKS`` and its arguments.
        size: side of the images in pixels.
        seed: of the weights.

    Raises:
        ValueError: an unknown name or argument.
    """
    settings = dict(config)
    name = settings.pop("name", "vit")
    if name not in NETWORKS:
        raise ValueError(f"backbone name={name!r} is not known; {choices(name, NETWORKS)}")
    with seeded(seed):
        try:
            return Normalised(NETWORKS[name](size, **settings))
        except TypeError as error:
            raise ValueError(f"backbone={config}: {error}") from error
