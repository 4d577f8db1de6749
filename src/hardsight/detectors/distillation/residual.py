"""Residual blocks that shrink, keep or enlarge their input."""

from torch import Tensor, nn

from hardsight.core.counts import demand_whole


def convolution(channels: int, width: int, ratio: int = 1) -> nn.Conv2d:
    """Return a 3 x 3 convolution that shrinks ``ratio`` times."""
    return nn.Conv2d(channels, width, 3, ratio, padding=1, bias=False)


def transposed(channels: int, width: int, ratio: int) -> nn.ConvTranspose2d:
    """Return a transposed convolution that enlarges ``ratio`` times."""
    return nn.ConvTranspose2d(channels, width, ratio, ratio, bias=False)


class Residual(nn.Module):
    """A basic block (He et al., 2016) whose first layer may change size and channels.

    Args:
        first: the first layer, without normalisation.
        shortcut: beside the block, without normalisation; None: the input itself.
        width: channels that both give.
    """

    def __init__(self, first: nn.Module, shortcut: nn.Module | None, width: int) -> None:
        super().__init__()
        self.first = nn.Sequential(first, nn.BatchNorm2d(width), nn.ReLU())
        self.second = nn.Sequential(convolution(width, width), nn.BatchNorm2d(width))
        self.shortcut: nn.Module = nn.Identity()
        if shortcut is not None:
            self.shortcut = nn.Sequential(shortcut, nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """Return features (B, width, h', w') of (B, C, h, w)."""
        found: Tensor = (self.second(self.first(x)) + self.shortcut(x)).relu()
        return found


def shrinking(channels: int, width: int, ratio: int, blocks: int) -> nn.Sequential:
    """Return blocks of which the first shrinks ``ratio`` times."""
    shortcut = nn.Conv2d(channels, width, 1, ratio, bias=False)
    first = Residual(convolution(channels, width, ratio), shortcut, width)
    return nn.Sequential(first, *_keeping(width, blocks))


def enlarging(channels: int, width: int, ratio: int, blocks: int) -> nn.Sequential:
    """Return blocks of which the first enlarges ``ratio`` times."""
    first = transposed(channels, width, ratio) if ratio > 1 else convolution(channels, width)
    block = Residual(first, transposed(channels, width, ratio), width)
    return nn.Sequential(block, *_keeping(width, blocks))


def _keeping(width: int, blocks: int) -> list[Residual]:
    """Return all blocks but the first."""
    demand_whole(1, blocks=blocks)
    return [Residual(convolution(width, width), None, width) for _ in range(blocks - 1)]
