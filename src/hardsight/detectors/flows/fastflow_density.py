"""The density of FastFlow: one flow of two-dimensional features a level."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hardsight.core.counts import demand_whole
from hardsight.detectors.flows.coupling import Flow
from hardsight.detectors.flows.density import Density

_KERNELS = (3, 1)
"""Kernel sides of the couplings, in turns (FastFlow, sec. 3.3)."""
_CLAMP = 2.0


class FastFlowDensity(Density):
    """Model the features of normal images by a flow a level (FastFlow, Yu et al., 2021).

    Features are standardised over a whole image first. The subnetworks see a patch's neighbours.

    Args:
        channels: of each level.
        blocks: couplings of a flow.
        hidden_ratio: channels of a subnetwork, over those of its input.
    """

    def __init__(self, channels: Sequence[int], blocks: int = 8, hidden_ratio: float = 1.0) -> None:
        super().__init__()
        demand_whole(1, blocks=blocks)
        if not hidden_ratio > 0:
            raise ValueError(f"hidden_ratio must be > 0, got {hidden_ratio}; the paper takes 1")
        kernels = [_KERNELS[i % 2] for i in range(blocks)]
        self.flows = nn.ModuleList(
            Flow(c, kernels, max(1, int((c - c // 2) * hidden_ratio)), _CLAMP) for c in channels
        )

    def prepared(self, level: Tensor) -> Tensor:
        """Return a level standardised over each image."""
        return F.layer_norm(level, level.shape[1:])

    def latents(self, levels: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Return the latents of each level, and what each place adds to the log-determinant."""
        return [flow(self.prepared(level)) for flow, level in zip(self.flows, levels, strict=True)]

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Return the log-density of the latents at each place, up to a constant."""
        return [-z.square().mean(1, keepdim=True) / 2 for z, _ in self.latents(levels)]

    def loss(self, levels: Sequence[Tensor]) -> Tensor:
        """Return the negative log-likelihood of images, a feature's mean (FastFlow, eq. 3)."""
        features = sum(level[0].numel() for level in levels)
        nats = [
            z.square().flatten(1).sum(1) / 2 - log_det.flatten(1).sum(1)
            for z, log_det in self.latents(levels)
        ]
        return torch.stack(nats).sum(0).mean() / features
