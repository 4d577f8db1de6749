"""The contract of a network that judges patches."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

Layer = int | Literal["discriminator"]
"""A layer with attention: 1 is a ViT's first, -1 its last."""


class PatchNetwork(nn.Module):
    """A network whose logits each speak of a cell of the image, above 0 anomalous.

    (B, 3, H, W), normalised -> (B, 1, side, side).
    """

    cell: int
    """Pixels of a cell along a side."""
    side: int
    """Cells along a side."""

    def with_attention(self, x: Tensor, layers: Sequence[Layer]) -> tuple[Tensor, list[Tensor]]:
        """Return the logits and the attention between patches of each layer asked for.

        Returns:
            (B, 1, side, side), and (B, heads, N, N) each.

        Raises:
            ValueError: no attention, or no such layer.
        """
        raise ValueError(
            f"{type(self).__name__} has no attention to regularise; set the regulariser to none"
        )
