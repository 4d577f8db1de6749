"""Which channels of which frequency band go on."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ChannelSelection(nn.Module):
    """Weight the channels of several branches against each other (Liang et al., 2023).

    The branches' sum is averaged over its places; from it each branch has a logit for each channel,
    and a softmax over the branches shares every channel out among them.

    Args:
        branches: how many there are.
        channels: of each.
    """

    def __init__(self, branches: int, channels: int) -> None:
        super().__init__()
        hidden = max(4, channels // 4)
        self.squeeze = nn.Linear(channels, hidden)
        self.share = nn.Linear(hidden, branches * channels)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return the branches' features, (B, C, h, w) each, weighted."""
        return [w * f for w, f in zip(self.weights(features), features, strict=True)]

    def weights(self, features: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the weights (B, C, 1, 1) of each branch; those of a channel add up to 1."""
        pooled = torch.stack(tuple(features)).sum(0).mean((2, 3))
        logits = self.share(F.silu(self.squeeze(pooled)))
        shares = logits.unflatten(1, (len(features), pooled.shape[1])).softmax(1)
        return tuple(share[..., None, None] for share in shares.unbind(1))
