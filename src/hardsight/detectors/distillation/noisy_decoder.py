"""A decoder of tokens behind a bottleneck that drops some of them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hardsight.core.counts import demand_whole
from hardsight.detectors.distillation.linear_attention import LinearBlock
from hardsight.detectors.distillation.mining import HardMining, highest


class NoisyDecoder(nn.Module):
    """Find features again from their noisy embedding (Dinomaly, Guo et al., 2025, figure 2).

    Blocks are averaged in as many groups as there are features; the last group is the first's.

    Args:
        channels: of the features, all on one grid.
        width: of the tokens; features that all have it go in and out as they are, others linearly.
        depth: blocks, at least one for each of the features.
        heads: of the attention.
        dropout: the noise of the bottleneck.
    """

    def __init__(
        self, channels: Sequence[int], width: int, depth: int, heads: int, dropout: float
    ) -> None:
        from timm.layers import Mlp  # slow: not before a network is built

        super().__init__()
        demand_whole(1, heads=heads)
        if depth < len(channels) or width % heads:
            raise ValueError(
                f"need depth >= {len(channels)}, one block for each of the features, and a width "
                f"that is a multiple of heads, got depth={depth}, width={width} and heads={heads}"
            )
        self.plain = set(channels) == {width}
        self.embedded = nn.Identity() if self.plain else nn.Linear(sum(channels), width)
        noisy = Mlp(width, 4 * width, act_layer=nn.GELU, bias=False, drop=dropout)
        self.bottleneck = nn.Sequential(nn.Dropout(dropout), noisy)
        self.blocks = nn.ModuleList(LinearBlock(width, heads) for _ in range(depth))
        self.outputs = nn.ModuleList(
            nn.Identity() if self.plain else nn.Linear(width, count) for count in channels
        )
        self.mining = HardMining(highest, factor=0.1)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return features (B, channels[i], side, side) of the same shapes."""
        levels = list(features)
        stacked = torch.stack(levels).mean(0) if self.plain else torch.cat(levels, dim=1)
        x = self.bottleneck(self.embedded(stacked.flatten(2).transpose(1, 2)))
        decoded = []
        for block in self.blocks:
            x = block(x)
            decoded.append(x)
        groups = torch.stack(decoded[::-1]).tensor_split(len(self.outputs))
        return [
            output(group.mean(0)).transpose(1, 2).reshape(level.shape)
            for output, group, level in zip(self.outputs, groups, levels, strict=True)
        ]
