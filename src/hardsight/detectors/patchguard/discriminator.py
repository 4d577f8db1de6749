"""The head: from a patch's features to its logit."""

import torch
from torch import Tensor, nn

from hardsight.detectors.patchguard.dropout import QuickDropout


class Discriminator(nn.Module):
    """One transformer layer over all patches, then a logit for each (PatchGuard, section I).

    A learned position is added; attention and MLP are each added to what they were given, and the
    attention's sum is normalised.

    Args:
        dim: channels of a patch's features.
        patches: how many there are.
        attends: without attention the patches do not see each other: MLP and logit alone, the
            ablation of Table 19.
        heads: of the attention.
        hidden: width of the MLP; None: 16/3 of ``dim``, which is the 2048 of the paper's 384.
        dropout: of attention and MLP.
    """

    def __init__(
        self,
        dim: int,
        patches: int,
        attends: bool = True,
        heads: int = 4,
        hidden: int | None = None,
        dropout: float = 0.2,
    ) -> None:
        from hardsight.detectors.patchguard.patch_attention import PatchAttention  # slow

        super().__init__()
        width = round(dim * 16 / 3) if hidden is None else hidden
        self.position = nn.Parameter(torch.randn(patches, dim)) if attends else None
        self.attention: PatchAttention | None = None
        if attends:
            self.attention = PatchAttention(dim, heads, qkv_bias=True)
            self.attention.attn_drop = QuickDropout(dropout)
            self.attention.proj_drop = QuickDropout(dropout)
        self.norm = nn.LayerNorm(dim) if attends else nn.Identity()
        self.mlp = nn.Sequential(
            nn.Linear(dim, width),
            nn.GELU(),
            QuickDropout(dropout),
            nn.Linear(width, dim),
            QuickDropout(dropout),
        )
        self.logit = nn.Linear(dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a logit (B, N) of each token of (B, N, D)."""
        if self.attention is not None and self.position is not None:
            x = x + self.position
            x = self.norm(x + self.attention(x))
        x = x + self.mlp(x)
        found: Tensor = self.logit(x).squeeze(-1)
        return found
