"""A trained encoder beside a frozen one, each of whose features are found from the other's."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hardsight.backbones import Backbone
from hardsight.detectors.distillation.bottleneck import Bottleneck
from hardsight.detectors.distillation.decoder import Decoder, OutputConvolutions
from hardsight.detectors.distillation.mining import HardMining, deviations


class CrossReconstruction(nn.Module):
    """Adapt an encoder to the domain, contrasted with what it was (ReContrast, figure 3c).

    One bottleneck and one decoder see both encoders' features, and give out those of the other by
    output convolutions of its own.

    Args:
        encoder: of the frozen one's architecture; its batch norms keep their statistics.
        blocks: residual blocks of the bottleneck, and of the decoder at each scale.
    """

    def __init__(self, encoder: Backbone, blocks: int = 2) -> None:
        super().__init__()
        channels, strides = encoder.channels, encoder.strides
        self.encoder = encoder.requires_grad_(True)
        self.bottleneck = Bottleneck(channels, strides, blocks)
        self.decoder = Decoder(channels, strides, blocks)
        self.frozen_outputs = OutputConvolutions(channels)
        self.trained_outputs = OutputConvolutions(channels)
        self.mining = HardMining(deviations, factor=0.0)

    def forward(self, frozen: Sequence[Tensor], trained: Sequence[Tensor]) -> list[Tensor]:
        """Return what is found of the frozen encoder's features, then of the trained one's.

        The first from the trained encoder's, the second from the frozen one's.
        """
        both = [torch.cat(pair) for pair in zip(trained, frozen, strict=True)]
        decoded, count = self.decoder(self.bottleneck(both)), len(frozen[0])
        of_frozen: list[Tensor] = self.frozen_outputs([level[:count] for level in decoded])
        of_trained: list[Tensor] = self.trained_outputs([level[count:] for level in decoded])
        return of_frozen + of_trained
