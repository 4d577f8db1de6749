"""Attention without softmax, which cannot look at one place alone."""

import torch.nn.functional as F
from torch import Tensor, nn


class LinearAttention(nn.Module):
    """Attend by elu + 1 of queries and keys, linear in the tokens (Katharopoulos et al., 2020).

    Args:
        width: of a token, a multiple of ``heads``.
        heads: that attend apart.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.projected = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens (B, N, width) of as many."""
        parts = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = F.elu(parts[0]) + 1, F.elu(parts[1]) + 1, parts[2]
        total = (q * k.sum(-2, keepdim=True)).sum(-1, keepdim=True)
        attended = (q @ (k.transpose(-2, -1) @ v)) / total
        found: Tensor = self.projected(attended.transpose(1, 2).flatten(2))
        return found


class LinearBlock(nn.Module):
    """A transformer block with linear attention (Dinomaly, section 3.3).

    Args:
        width, heads: see ``LinearAttention``.
    """

    def __init__(self, width: int, heads: int) -> None:
        from timm.layers import Mlp  # slow: not before a network is built

        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), LinearAttention(width, heads))
        mlp = Mlp(width, 4 * width, act_layer=nn.GELU, bias=False)
        self.mlp = nn.Sequential(nn.LayerNorm(width), mlp)

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens (B, N, width) of as many."""
        x = x + self.attention(x)
        found: Tensor = x + self.mlp(x)
        return found
