"""Doubling a feature map and convolving it, without computing what the doubling repeats."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hardsight.core.precision import without_autocast

_TAPS = torch.tensor([[[1.0, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]])
"""(2, 2, 3): which taps of a 3-tap kernel fall on the same pixel, for even and odd outputs."""


class Upsample(nn.Module):
    """Nearest-neighbour doubling, then a 3 x 3 convolution: at 4/9 of its multiplications.

    Of the nine pixels under the kernel only four are different. The kernel is folded into one of
    2 x 2 for each of the four places in a doubled pixel, and all four are convolved at once before
    the doubling. Equal to diffusers' ``Upsample2D`` but for rounding, with its parameters' names.

    Args:
        conv: the convolution: 3 x 3, stride 1, padding 1.
    """

    taps: Tensor

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        if (conv.kernel_size, conv.stride, conv.padding) != ((3, 3), (1, 1), (1, 1)):
            raise ValueError(f"conv must be 3 x 3 with stride 1 and padding 1, got {conv}")
        self.conv = conv
        self.register_buffer("taps", _TAPS, persistent=False)

    def forward(self, x: Tensor, output_size: int | None = None) -> Tensor:
        """Double (B, C, H, W) to (B, channels of the convolution, 2H, 2W).

        Args:
            x: feature map.
            output_size: must be None; diffusers passes a size where H or W was odd.
        """
        if output_size is not None:
            raise ValueError(f"output_size must be None: sides are doubled, got {output_size}")
        return _interleaved(functional.conv2d(x, *self.folded(), padding=1))

    def folded(self) -> tuple[Tensor, Tensor | None]:
        """Return the kernels of the four places, (4 channels, C, 2, 2), and their biases."""
        weight, taps = self.conv.weight, self.taps.to(self.conv.weight)
        with without_autocast(weight.device):  # added before they are rounded
            kernels = torch.einsum("pak,qbl,oikl->pqoiab", taps, taps, weight).flatten(0, 2)
        return kernels, None if self.conv.bias is None else self.conv.bias.repeat(4)


class FixedUpsample(nn.Module):
    """An ``Upsample`` whose kernels are folded once and for all: equal, and no longer trained.

    Args:
        learned: what it equals.
    """

    def __init__(self, learned: Upsample) -> None:
        super().__init__()
        kernels, bias = learned.folded()
        self.conv = nn.Conv2d(kernels.shape[1], len(kernels), 2, padding=1, bias=bias is not None)
        self.conv.weight = nn.Parameter(kernels.detach(), requires_grad=False)
        if bias is not None:
            self.conv.bias = nn.Parameter(bias.detach(), requires_grad=False)

    def forward(self, x: Tensor, output_size: int | None = None) -> Tensor:
        """Compute what ``Upsample`` does."""
        return _interleaved(self.conv(x))


def _interleaved(places: Tensor) -> Tensor:
    """Interleave (B, 4 channels, H + 1, W + 1), a place each, to (B, channels, 2H, 2W)."""
    b, _, h, w = places.shape
    places = places.view(b, 2, 2, -1, h, w)
    rows = [
        torch.stack([places[:, p, q, :, p : h - 1 + p, q : w - 1 + q] for q in (0, 1)], dim=-1)
        for p in (0, 1)
    ]
    return torch.stack(rows, dim=3).flatten(4).flatten(2, 3)


def fold_upsampling(network: nn.Module) -> None:
    """Replace every ``Upsample2D`` with a convolution in a network by its equal, in place."""
    from diffusers.models.upsampling import Upsample2D  # slow: not before a network is built

    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, Upsample2D) and isinstance(child.conv, nn.Conv2d):
                setattr(module, name, Upsample(child.conv))


def fix_upsampling(network: nn.Module) -> None:
    """Replace every ``Upsample`` in a network by its ``FixedUpsample``, in place: for export."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, Upsample):
                setattr(module, name, FixedUpsample(child))
