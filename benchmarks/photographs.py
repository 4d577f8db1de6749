"""Natural photographs as training images: read from a tar, cropped and coloured on the device."""

import io
import math
import os
import random
import tarfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Generator, Tensor

SIDE = 192  # of the photographs
GROUPS = 8  # of a batch, each with one scale of its crops


def decoded(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB").resize((SIDE, SIDE)))


def photographs(path: Path, limit: int | None) -> Tensor:
    """Read (N, SIDE, SIDE, 3) uint8 from a tar of JPEG files, in the order of their names."""
    with tarfile.open(path) as tar:
        members = sorted((m for m in tar if m.name.endswith(".jpg")), key=lambda m: m.name)
        if limit is not None:
            members = members[:: max(1, len(members) // limit)][:limit]
        files = [tar.extractfile(m).read() for m in members]
    with ProcessPoolExecutor(min(16, os.cpu_count() or 1), get_context("fork")) as pool:
        return torch.from_numpy(np.stack(list(pool.map(decoded, files, chunksize=64))))


def column(count: int, g: Generator, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Draw (count, 1, 1, 1) evenly from low to high."""
    return low + (high - low) * torch.rand(count, 1, 1, 1, generator=g, device=g.device)


def cropped(photos: Tensor, count: int, side: int, size: int, g: Generator) -> Tensor:
    """Draw squares of a side, turned and mirrored, as (count, 3, size, size) in [0, 1]."""
    which = torch.randint(len(photos), (count, 1, 1), generator=g, device=g.device)
    corner = (column(2 * count, g)[..., 0] * (SIDE - side + 1)).long().view(2, count, 1)
    near = torch.arange(side, device=g.device)
    back = column(2 * count, g)[..., 0].view(2, count, 1) < 0.5
    rows, columns = corner + torch.where(back, side - 1 - near, near)
    x = photos[which, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2).float() / 255
    x = F.interpolate(x.contiguous(), (size, size), mode="bicubic", antialias=True)
    return torch.where(column(count, g) < 0.5, x.transpose(-1, -2), x).clamp(0, 1)


def recoloured(x: Tensor, g: Generator) -> Tensor:
    """Change contrast, brightness, saturation and hue of each image; make some grey."""
    n, eye = len(x), torch.eye(3, device=x.device)
    grey = torch.full_like(eye, 1 / 3)
    turn = (eye.roll(1, 0) - eye.roll(1, 1)) / math.sqrt(3)
    angle = column(n, g, -0.5, 0.5)[:, 0]
    colour = torch.where(column(n, g) < 0.15, 0.0, column(n, g, 0.5, 1.4))[:, 0]
    mix = grey + colour * (angle.cos() * (eye - grey) + angle.sin() * turn)
    x = torch.einsum("nij,njhw->nihw", mix, x)
    mean = x.mean((1, 2, 3), keepdim=True)
    return ((x - mean) * column(n, g, 0.6, 1.3) + mean + column(n, g, -0.2, 0.2)).clamp(0, 1)


def regions(n: int, size: int, g: Generator, low: float, high: float) -> Tensor:
    """Draw (n, 1, size, size) in [0, 1]: turned ellipses and rectangles with hard or soft edges.

    Args:
        low, high: of half their sides, as shares of the image's.
    """
    axis = torch.linspace(0, 1, size, device=g.device)
    y, x = axis[:, None] - column(n, g), axis - column(n, g)
    angle = column(n, g, 0, math.pi)
    u = ((x * angle.cos() + y * angle.sin()) / column(n, g, low, high)).abs()
    v = ((y * angle.cos() - x * angle.sin()) / column(n, g, low, high)).abs()
    far = torch.where(column(n, g) < 0.5, torch.hypot(u, v), torch.maximum(u, v))
    return ((1 - far) * column(n, g, 1, math.log(size)).exp() + 0.5).clamp(0, 1)


def batch(photos: Tensor, count: int, size: int, g: Generator) -> Tensor:
    """Draw training images (count, 3, size, size) in [0, 1], a tenth of them on one colour."""
    parts = []
    for i in range(GROUPS):
        side = random.randint(max(64, size // 2), SIDE)
        share = (i + 1) * count // GROUPS - i * count // GROUPS
        parts.append(cropped(photos, share, side, size, g))
    x = recoloured(torch.cat(parts), g)
    flat = torch.rand(count, 3, 1, 1, generator=g, device=g.device)
    shown = torch.where(column(count, g) < 0.1, regions(count, size, g, 0.15, 0.45), 1.0)
    return flat + shown * (x - flat)
