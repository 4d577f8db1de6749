"""Attention whose weights are known; apart, for timm is slow to import."""

import torch
import torch.nn.functional as F
from timm.layers import Attention
from torch import Tensor


class PatchAttention(Attention):  # type: ignore[misc]
    """Attend as timm's ``Attention`` of the same weights does, and write the attention down.

    A fused kernel computes it, but on CPUs: there it took a quarter longer forward and backward in
    bfloat16 (256 tokens).
    """

    def forward(
        self, x: Tensor, attn_mask: Tensor | None = None, is_causal: bool = False
    ) -> Tensor:
        """Attend within tokens (B, N, D).

        Args:
            x: tokens.
            attn_mask: (N, N) bool, true where attention is allowed; None: everywhere.
            is_causal: never; timm's blocks hand it on.
        """
        q, k, v = self._heads(x)
        if x.device.type == "cpu":
            attended = self.attn_drop(self._logits(q, k, attn_mask).softmax(-1)) @ v
        else:
            dropout = self.attn_drop.p if self.training else 0.0
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask, dropout)
        joined = self.norm(attended.transpose(1, 2).flatten(2))
        found: Tensor = self.proj_drop(self.proj(joined))
        return found

    def weights(self, x: Tensor, attn_mask: Tensor | None = None) -> Tensor:
        """Return the attention that ``forward`` pays, without dropout.

        Shape:
            (B, N, D) -> (B, heads, N, N), each row a distribution over the tokens attended to.
        """
        q, k, _ = self._heads(x)
        return self._logits(q, k, attn_mask).float().softmax(-1)

    def _heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values, (B, heads, N, D / heads) each."""
        b, n, _ = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        return self.q_norm(q), self.k_norm(k), v

    def _logits(self, q: Tensor, k: Tensor, allowed: Tensor | None) -> Tensor:
        logits: Tensor = q * self.scale @ k.transpose(-2, -1)
        return logits if allowed is None else logits.masked_fill(~allowed, -torch.inf)
