"""Invertible networks of feature maps: affine couplings, ActNorm, permutations."""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SMALL = 0.1
"""By which the subnetwork's output is scaled: a new block is nearly the identity (FrEIA)."""
_EVEN = 0.01
"""Least standard deviation that a channel is taken to have, over the average of the channels."""


class ActNorm(nn.Module):
    """Scale and shift every channel by weights of its own (Glow, Kingma & Dhariwal, 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.offset = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the maps, and what every place adds to the log-determinant, a scalar."""
        return x * self.log_scale.exp() + self.offset, self.log_scale.sum()

    def inverse(self, y: Tensor) -> Tensor:
        """Return the maps that ``forward`` takes to ``y``."""
        return (y - self.offset) * (-self.log_scale).exp()

    @torch.no_grad()
    def start(self, x: Tensor) -> None:
        """Set the weights, in place, so that channels of ``x`` have mean 0 and variance 1."""
        deviation, mean = torch.std_mean(x, (0, 2, 3), keepdim=True)
        floor = _EVEN * deviation.mean() + torch.finfo(x.dtype).tiny
        self.log_scale.copy_(-deviation.clamp_min(floor).log())
        self.offset.copy_(-mean * self.log_scale.exp())


class Coupling(nn.Module):
    """Transform feature maps invertibly: an affine coupling, ActNorm, a permutation of channels.

    Half of the channels is scaled and shifted by what a subnetwork of two convolutions says of the
    other half (Real NVP, Dinh et al., 2017). The logarithms of scales are clamped by a tanh, as in
    FrEIA and anomalib.

    Args:
        channels: of the feature maps, at least 2.
        hidden: channels of the subnetwork.
        kernel: side of its convolutions, odd.
        clamp: bound of the logarithm of a scale.
        condition: channels of the condition that the subnetwork sees too; 0: none.
    """

    order: Tensor

    def __init__(
        self, channels: int, hidden: int, kernel: int, clamp: float, condition: int = 0
    ) -> None:
        super().__init__()
        changed = channels // 2
        self.sizes, self.padding, self.clamp = [channels - changed, changed], kernel // 2, clamp
        self.first = nn.Conv2d(self.sizes[0] + condition, hidden, kernel)
        self.last = nn.Conv2d(hidden, 2 * changed, kernel, padding=self.padding)
        self.norm = ActNorm(channels)
        self.register_buffer("order", torch.randperm(channels))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the transformed maps, and what each place adds to the log-determinant.

        Shape:
            x (B, C, H, W), condition (1 or B, condition, H, W) -> (B, C, H, W) and (B, 1, H, W),
            whose sum over places is the logarithm of the determinant of the Jacobian.
        """
        kept, changed = torch.split(x, self.sizes, 1)
        log_s, t = self._coefficients(kept, condition)
        y, more = self.norm(torch.cat((kept, changed * log_s.exp() + t), 1))
        return y.index_select(1, self.order), log_s.sum(1, keepdim=True) + more

    def inverse(self, y: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the maps that ``forward`` transforms to ``y``."""
        x = self.norm.inverse(y.index_select(1, self.order.argsort()))
        kept, changed = torch.split(x, self.sizes, 1)
        log_s, t = self._coefficients(kept, condition)
        return torch.cat((kept, (changed - t) * (-log_s).exp()), 1)

    def _coefficients(self, kept: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the logarithms of the scales, and the shifts.

        The first convolution is taken of both of its inputs apart: that of a condition that all
        images share is then computed once.
        """
        own, others = self.first.weight.tensor_split([kept.shape[1]], 1)
        h = F.conv2d(kept, own, self.first.bias, padding=self.padding)
        if condition is not None:
            h = h + F.conv2d(condition, others, padding=self.padding)
        log_s, t = (_SMALL * self.last(h.relu()).to(kept.dtype)).chunk(2, 1)
        return self.clamp * log_s.tanh(), t


class Flow(nn.Module):
    """Transform feature maps to latents, by ActNorm and then by couplings in turn.

    Args:
        channels: of the feature maps, at least 2.
        kernels: side of the convolutions of each coupling.
        hidden: see ``Coupling``.
        clamp: see ``Coupling``.
        condition: see ``Coupling``.
    """

    def __init__(
        self, channels: int, kernels: Sequence[int], hidden: int, clamp: float, condition: int = 0
    ) -> None:
        super().__init__()
        self.norm = ActNorm(channels)
        self.blocks = nn.ModuleList(
            Coupling(channels, hidden, kernel, clamp, condition) for kernel in kernels
        )

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the latents, and what each place adds to the log-determinant; see ``Coupling``."""
        x, more = self.norm(x)
        log_det = torch.zeros_like(x[:, :1]) + more
        for block in self.blocks:
            x, more = block(x, condition)
            log_det = log_det + more
        return x, log_det

    def inverse(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the feature maps of latents."""
        for block in reversed(self.blocks):
            z = cast(Coupling, block).inverse(z, condition)
        return self.norm.inverse(z)
