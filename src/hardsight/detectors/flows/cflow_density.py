"""The density of CFlow: a flow of single patches a level, which knows their place."""

import math
from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hardsight.core.counts import demand_whole
from hardsight.detectors.flows.coupling import Flow
from hardsight.detectors.flows.density import Density
from hardsight.detectors.flows.positions import positional_encoding

_CLAMP = 1.9


class CFlowDensity(Density):
    """Model the features of normal patches given their place (CFlow, Gudovskiy et al., 2022).

    The densities of a level are divided by the largest of the training images, which makes levels
    comparable. The paper takes the largest of the images that are scored together: a score then
    depends on the batch.

    Args:
        channels: of each level.
        sides: of its grid.
        blocks: couplings of a flow.
        condition: channels of the encoding of a place, a multiple of 4.
    """

    largest: Tensor

    def __init__(
        self, channels: Sequence[int], sides: Sequence[int], blocks: int = 8, condition: int = 128
    ) -> None:
        super().__init__()
        demand_whole(1, blocks=blocks)
        self.flows = nn.ModuleList(
            Flow(c, (1,) * blocks, 2 * (c - c // 2 + condition), _CLAMP, condition)
            for c in channels
        )
        for i, side in enumerate(sides):
            place = positional_encoding(condition, side)
            self.register_buffer(f"place{i}", place, persistent=False)
        self.register_buffer("largest", torch.zeros(len(channels)))

    def log_densities(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Return the log-density of every patch, a channel's mean: (B, 1, h, w) of each level."""
        found = []
        for i, level in enumerate(levels):
            z, log_det = self.flows[i](level, self.get_buffer(f"place{i}"))
            nats = z.square().sum(1, keepdim=True) / 2 - log_det
            found.append(-nats / level.shape[1] - math.log(2 * math.pi) / 2)
        return found

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Return the log-densities less the largest of the training images."""
        return [d - self.largest[i] for i, d in enumerate(self.log_densities(levels))]

    def loss(self, levels: Sequence[Tensor]) -> Tensor:
        """Return the mean of -log sigmoid(log-density) over patches and levels (CFlow's code)."""
        found = [-F.logsigmoid(d).mean() for d in self.log_densities(levels)]
        return torch.stack(found).mean()

    @torch.no_grad()
    def compare_with(self, batches: Iterable[Sequence[Tensor]]) -> None:
        """Set the largest log-densities to those of the training images, in place."""
        found = [torch.stack([d.max() for d in self.log_densities(b)]) for b in batches]
        self.largest.copy_(torch.stack(found).amax(0))
