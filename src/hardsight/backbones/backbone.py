"""A pretrained network as a source of features."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from hardsight.backbones.bundled import BackboneError
from hardsight.backbones.stages import end_with_taps
from hardsight.backbones.weights import (
    check_source,
    load_features,
    normalisation,
    pretrained_weights,
)
from hardsight.core.files import write_tensors
from hardsight.core.modules import seeded
from hardsight.core.precision import Choice, autocast


class Backbone(nn.Module):
    """Extract features of several scales from images in [0, 1], differentiably.

    Built without pretrained weights: a detector's own are saved with it, and ``pretrained`` loads
    the ones named when it is fitted. Always in eval mode, and its weights have no gradient, unless
    ``trainable`` says otherwise. Normalisation is inside, so that attacks go through it.

    Args:
        name: of timm, any network with ``features_only``; ViTs give their patches as a grid.
        weights: "bundled" (see ``BUNDLED``: no network needed), "hub" (timm's own, fetched once),
            "random", or the path of a .safetensors or .pth file: of the whole network, or what
            ``save`` wrote.
        taps: levels of features, as timm counts them from 0; of a ViT its blocks.
        precision: "bf16", "fp32", or "auto": the faster of them on this machine.
        options: other arguments of timm's network, e.g. ``{"img_size": 256}`` of a ViT.
        seed: of the first weights.

    Shape:
        (B, 3, H, W) in [0, 1] -> one (B, channels[i], H / strides[i], W / strides[i]) a tap.

    Raises:
        BackboneError: an unknown network, tap or source of weights.

    Examples:
        >>> import torch
        >>> from hardsight.backbones import Backbone
        >>> backbone = Backbone(weights="random", taps=(1, 2))
        >>> [tuple(level.shape) for level in backbone(torch.rand(1, 3, 64, 64))]
        [(1, 24, 16, 16), (1, 40, 8, 8)]
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str = "tf_efficientnet_lite0",
        weights: str = "bundled",
        taps: Sequence[int] = (2, 3),
        precision: Choice = "auto",
        options: dict[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        import timm  # slow: not before a network is built

        super().__init__()
        check_source(weights)
        self.name, self.weights, self.taps = name, weights, tuple(taps)
        self.precision = precision
        try:
            with seeded(seed):
                self.network = timm.create_model(
                    name,
                    pretrained=False,
                    features_only=True,
                    out_indices=self.taps,
                    **(options or {}),
                )
        except (RuntimeError, TypeError, AssertionError, ValueError, IndexError) as error:
            raise BackboneError(
                f"backbone name={name!r} with taps={list(self.taps)} cannot be built ({error}); "
                "timm.list_models() names the networks"
            ) from error
        end_with_taps(self.network)
        info = self.network.feature_info
        self.channels: tuple[int, ...] = tuple(info.channels())
        self.strides: tuple[int, ...] = tuple(info.reduction())
        mean, std = normalisation(name, weights)
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))
        self.network.to(memory_format=torch.channels_last)  # 5 to 20 % faster than contiguous
        self.trainable = False
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode unless trainable: batch norms keep the statistics of their weights."""
        return super().train(mode and self.trainable)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the features of a batch, in its precision."""
        x = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        with autocast(self.precision, images.device):
            levels = self.network(x)
        return [level.to(images.dtype) for level in levels]

    def sides(self, image_size: int) -> list[int]:
        """Return the side of each level's grid for square images, in patches."""
        return [-(-image_size // stride) for stride in self.strides]

    def pretrained(self) -> Self:
        """Return a backbone with the weights that ``weights`` names; random ones are as they are.

        Raises:
            BackboneError: there are none, they cannot be read, or are of another network.
        """
        found = copy.deepcopy(self)
        if self.weights == "random":
            return found
        given = pretrained_weights(self.name, self.weights)
        load_features(found.network, given, self.weights)
        for key in ("mean", "std"):
            if key in given:  # a Backbone's file
                setattr(found, key, given[key].to(self.mean))
        return found

    def save(self, path: str | Path) -> Path:
        """Write the weights as safetensors, to be named as ``weights``."""
        return write_tensors(path, {k: w.contiguous() for k, w in self.state_dict().items()})

    def __str__(self) -> str:
        return f"{self.name} ({self.weights})"


def build_backbone(settings: Mapping[str, Any] | None, **defaults: Any) -> Backbone:
    """Return the backbone of a detector, without its pretrained weights.

    Args:
        settings: arguments of ``Backbone``, as a detector's constructor has them; None: none.
        defaults: arguments for what ``settings`` leaves out.

    Raises:
        BackboneError: an unknown argument, or a backbone that cannot be built.
    """
    given = dict(settings or {})
    try:
        return Backbone(**(defaults | given))
    except TypeError as error:
        raise BackboneError(f"backbone={given}: {error}") from error
