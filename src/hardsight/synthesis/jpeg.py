"""JPEG's loss on tensors: block cosines, quantised by the standard's tables, and back."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)


def jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """Return what is left of images after JPEG with halved chroma (ITU-T T.81, annex K).

    Entropy coding loses nothing and is left out; so is the rounding of the decoded pixels.

    Args:
        images: (B, 3, H, W) in [0, 1].
        quality: (B,) in [1, 100], as libjpeg counts it.

    Returns:
        (B, 3, H, W) in [0, 1].
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"images must be (B, 3, H, W), got {tuple(images.shape)}")
    if quality.shape != images.shape[:1]:
        raise ValueError(f"quality must be ({len(images)},), got {tuple(quality.shape)}")
    height, width = images.shape[-2:]
    padded = F.pad(images, (0, -width % 16, 0, -height % 16), mode="replicate")
    turn = images.new_tensor(_TO_YCC)
    ycc = torch.einsum("ij,bjhw->bihw", turn, padded * 255)
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)
    luma = _coarsened(ycc[:, :1] - 128, images.new_tensor(_LUMA), scale) + 128
    chroma = _coarsened(F.avg_pool2d(ycc[:, 1:], 2), images.new_tensor(_CHROMA), scale)
    chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear", align_corners=False)
    found = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(turn), torch.cat([luma, chroma], 1))
    return (found[:, :, :height, :width] / 255).clamp(0, 1)


def _coarsened(x: Tensor, table: Tensor, scale: Tensor) -> Tensor:
    """(B, C, H, W) with the cosines of its 8 x 8 blocks rounded to multiples of the table."""
    b, c, height, width = x.shape
    step = ((scale.view(-1, 1, 1) * table + 50) / 100).floor().clamp(1, 255)
    blocks = x.view(b, c, height // 8, 8, width // 8, 8).transpose(3, 4)
    basis = _cosines(x)
    step = step[:, None, None, None]
    rounded = (basis @ blocks @ basis.T / step).round() * step
    return (basis.T @ rounded @ basis).transpose(3, 4).reshape(b, c, height, width)


def _cosines(like: Tensor) -> Tensor:
    """(8, 8) orthonormal cosine basis, a row each."""
    n = torch.arange(8, device=like.device, dtype=like.dtype)
    basis = torch.cos(math.pi / 8 * (n + 0.5) * n[:, None]) / 2
    basis[0] /= math.sqrt(2)
    return basis
