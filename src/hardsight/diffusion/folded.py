"""A small U-Net that works on a folded image."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional

from hardsight.diffusion.upsample import fold_upsampling

if TYPE_CHECKING:
    from diffusers import UNet2DModel


def small_unet(
    size: int,
    image_channels: int,
    channels: int,
    multipliers: Sequence[int],
    patch: int,
    outputs: int | None = None,
) -> "UNet2DModel":
    """Return a network for ``apply_folded``, one block a level, attention in the middle alone.

    Args:
        size: side of the images in pixels.
        image_channels: of the images, before and, if ``outputs`` is None, after.
        channels: width of the first level.
        multipliers: width of each level over ``channels``; each level halves the grid.
        patch: side of the squares folded into channels; 2 costs a quarter of 1.
        outputs: channels of each square that come out; None: those of an image, folded.

    Raises:
        ValueError: a size that cannot be folded and halved so often.
    """
    from diffusers import UNet2DModel  # slow: not before a network is built

    demand_divisible(size, patch, len(multipliers))
    widths = tuple(channels * m for m in multipliers)
    folded = image_channels * patch**2
    unet = UNet2DModel(
        sample_size=size // patch,
        in_channels=folded,
        out_channels=folded if outputs is None else outputs,
        block_out_channels=widths,
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * len(widths),
        up_block_types=("UpBlock2D",) * len(widths),
        norm_num_groups=math.gcd(16, *widths),
        attention_head_dim=channels,
    )
    fold_upsampling(unet)
    return unet


def demand_divisible(size: int, patch: int, levels: int) -> None:
    """Refuse a side of images that cannot be folded and halved at each level but the first.

    Raises:
        ValueError: that.
    """
    grain = patch * 2 ** (levels - 1)
    if size < grain or size % grain:
        raise ValueError(
            f"size must be a multiple of patch * 2^(levels - 1) = {grain}, got {size}; choose "
            f"{max(round(size / grain), 1) * grain}, a smaller patch or fewer multipliers"
        )


def usual_patch(size: int) -> int:
    """Return the patch for images of a side in pixels: 1 up to 64, 2 up to 128, 4 beyond."""
    return 1 if size <= 64 else 2 if size <= 128 else 4


def apply_folded(unet: "UNet2DModel", x: Tensor, embedded: Tensor, patch: int) -> Tensor:
    """Return what the network makes of the folded image, unfolded, in the dtype of ``x``.

    Args:
        unet: from ``small_unet``.
        x: (B, C, H, W).
        embedded: (B,) what its time embedding is told.
        patch: as in ``small_unet``.
    """
    folded = functional.pixel_unshuffle(x, patch)
    return functional.pixel_shuffle(unet(folded, embedded).sample, patch).to(x.dtype)
