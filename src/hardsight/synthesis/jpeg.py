"""What JPEG leaves of images."""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """Store and open images as JPEG with halved chroma, each at a quality of its own.

    By Pillow, on the CPU, on images of 8 bits. torchvision's ``jpeg`` gives the same pixels, but
    its codec is deprecated since 0.29.

    Args:
        images: (B, 3, H, W) or (B, 1, H, W) in [0, 1].
        quality: (B,) in [1, 100], rounded.

    Returns:
        (B, C, H, W) in [0, 1], multiples of 1 / 255.
    """
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images must be (B, 3, H, W) or (B, 1, H, W), got {tuple(images.shape)}")
    if quality.shape != images.shape[:1]:
        raise ValueError(f"quality must be ({len(images)},), got {tuple(quality.shape)}")
    stored = (images * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    opened = []
    for pixels, step in zip(stored, quality.round().int().tolist(), strict=True):
        file = io.BytesIO()
        plane = pixels if pixels.shape[2] == 3 else pixels[..., 0]
        Image.fromarray(plane).save(file, "JPEG", quality=step, subsampling="4:2:0")
        opened.append(np.atleast_3d(np.asarray(Image.open(file))))
    found = torch.from_numpy(np.stack(opened)).permute(0, 3, 1, 2)
    return found.to(images, copy=True) / 255
