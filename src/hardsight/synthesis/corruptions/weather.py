"""Corruptions with an extent in space: blurs, weather and bending.

Each is (images (N, C, H, W) in [0, 1], severity 0..4, generator) -> the same shape, unclamped.
"""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from hardsight.synthesis import blur


def gaussian_blur(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Blur by a Gaussian."""
    return _gaussian(x, (0.4, 0.6, 0.7, 0.8, 1.0)[severity] * _scale(x))


def defocus_blur(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Blur by a disc with a soft edge."""
    radius, soft = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))[severity]
    reach = max(2, math.ceil((radius + 2 * soft) * _scale(x)))
    fine = torch.linspace(-reach - 0.4, reach + 0.4, 5 * (2 * reach + 1))  # five points a pixel
    inside = (fine[:, None] ** 2 + fine**2 <= (radius * _scale(x)) ** 2).float()
    disc = F.avg_pool2d(inside[None, None], 5)
    kernel = _gaussian(disc, soft * _scale(x))[0, 0]
    return _filter(x, (kernel / kernel.sum()).expand(len(x), -1, -1))


def glass_blur(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Displace pixels at random, between two slight blurs."""
    sigma, share, times = (
        (0.2, 0.4, 1),
        (0.25, 0.7, 1),
        (0.3, 1.0, 1),
        (0.35, 1.0, 2),
        (0.4, 1.0, 3),
    )[severity]
    reach = max(1, round(_scale(x)))
    x = _gaussian(x, sigma * _scale(x))
    n, _, h, w = x.shape
    for _ in range(times):
        move = torch.randint(-reach, reach + 1, (2, n, h, w), generator=g)
        move = move * (torch.rand(n, h, w, generator=g) < share)
        rows = (move[0] + torch.arange(h)[:, None]).clamp(0, h - 1)
        columns = (move[1] + torch.arange(w)).clamp(0, w - 1)
        flat = (rows * w + columns).flatten(1)[:, None].expand(-1, x.shape[1], -1)
        x = x.flatten(2).gather(2, flat).view(x.shape)
    return _gaussian(x, sigma * _scale(x))


def motion_blur(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Blur along a line within 45 degrees of the horizontal, another for each image."""
    radius, sigma = ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5))[severity]
    angle = (torch.rand(len(x), generator=g) - 0.5) * math.pi / 2
    return _along(x, radius * _scale(x), sigma * _scale(x), angle)


def zoom_blur(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Average ever larger copies."""
    last = (1.06, 1.11, 1.16, 1.21, 1.26)[severity]
    zooms = torch.arange(1.0, last - 0.005, 0.01).tolist()
    grid = _grid(x)
    copies = sum(_sample(x, grid / z) for z in zooms)
    return (x + copies) / (len(zooms) + 1)


def snow(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Add streaks of flakes to a picture bleached a little."""
    share, bleach = ((0.04, 0.05), (0.07, 0.1), (0.1, 0.12), (0.14, 0.16), (0.18, 0.2))[severity]
    flakes = (torch.rand(len(x), 1, *x.shape[2:], generator=g) < share).float()
    flakes = _gaussian(flakes, 0.4 * _scale(x)) * 2
    angle = -math.pi / 2 + (torch.rand(len(x), generator=g) - 0.5)
    flakes = _along(flakes, 6 * _scale(x), 1.5 * _scale(x), angle).clamp(0, 1) * 1.6
    grey = x.mean(1, keepdim=True)
    return (1 - bleach) * x + bleach * torch.maximum(x, grey * 1.5 + 0.5) + flakes


def frost(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Lay ice over the picture: ridges of fractal noise, bluish white."""
    share = (0.18, 0.26, 0.34, 0.42, 0.5)[severity]
    ridges = 1 - (2 * _fractal(x, 1.6, g) - 1).abs()
    crystals = 0.6 + 0.4 * ridges**3
    tint = torch.tensor([0.85, 0.95, 1.0]) if x.shape[1] == 3 else torch.ones(x.shape[1])
    return x + share * (crystals * tint.view(1, -1, 1, 1) - x)


def fog(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Add a fractal cloud, and keep the picture's range."""
    amount, smooth = ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75))[severity]
    most = x.amax((1, 2, 3), keepdim=True)
    return (x + amount * _fractal(x, smooth, g)) * most / (most + amount)


def spatter(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Add drops on the lens: water in the first three severities, mud in the last two."""
    share, opaque = ((0.04, 0.5), (0.08, 0.55), (0.12, 0.6), (0.14, 0.9), (0.2, 0.95))[severity]
    field = _gaussian(torch.randn(len(x), 1, *x.shape[2:], generator=g), 1.2 * _scale(x))
    edge = field.flatten(1).quantile(1 - share, dim=1).view(-1, 1, 1, 1)
    spread = field.flatten(1).std(1).view(-1, 1, 1, 1)
    drops = torch.sigmoid((field - edge) / (0.15 * spread))
    water, mud = (0.69, 0.93, 0.93), (0.25, 0.16, 0.08)
    colour = torch.tensor(water if severity < 3 else mud)
    colour = colour if x.shape[1] == 3 else colour.mean().expand(x.shape[1])
    return x + opaque * drops * (colour.view(1, -1, 1, 1) - x)


def elastic_transform(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Bend smoothly at random."""
    length, smooth = ((0.5, 5.0), (0.8, 4.5), (1.1, 4.0), (1.4, 3.5), (1.8, 3.0))[severity]
    n, _, h, w = x.shape
    field = _gaussian(torch.randn(n, 2, h, w, generator=g), smooth * _scale(x))
    field = field / field.flatten(1).std(1).clamp_min(1e-6).view(-1, 1, 1, 1)
    move = length * _scale(x) * field.permute(0, 2, 3, 1) * 2 / torch.tensor([w, h])
    return _sample(x, _grid(x) + move)


def _scale(x: Tensor) -> float:
    """Return how much larger than CIFAR-10's the images are; never below 1."""
    return max(1.0, min(x.shape[2:]) / 32)


def _gaussian(x: Tensor, sigma: float) -> Tensor:
    """Blur (N, C, H, W), the border repeated."""
    return blur.gaussian_blur(x, max(sigma, 1e-3), max(1, math.ceil(4 * sigma)))


def _filter(x: Tensor, kernels: Tensor) -> Tensor:
    """Filter each image (C, H, W) by its own odd kernel (N, K, K), the border repeated."""
    n, c, h, w = x.shape
    reach = kernels.shape[-1] // 2
    flat = F.pad(x, (reach,) * 4, mode="replicate").view(1, n * c, h + 2 * reach, w + 2 * reach)
    weight = kernels[:, None, None].expand(-1, c, -1, -1, -1).reshape(n * c, 1, *kernels.shape[1:])
    return F.conv2d(flat, weight.to(x), groups=n * c).view(n, c, h, w)


def _along(x: Tensor, radius: float, sigma: float, angle: Tensor) -> Tensor:
    """Blur each image along a line at its angle (N,), a half-Gaussian behind each point."""
    reach = math.ceil(radius)
    axis = torch.arange(-reach, reach + 1).float()
    along = axis * angle.cos()[:, None, None] - axis[:, None] * angle.sin()[:, None, None]
    across = axis * angle.sin()[:, None, None] + axis[:, None] * angle.cos()[:, None, None]
    bell = (-0.5 * (along / sigma) ** 2).exp() * (along > -0.5) * (along <= radius)
    kernels = bell * (1 - across.abs()).clamp_min(0)
    return _filter(x, kernels / kernels.sum((1, 2), keepdim=True))


def _fractal(x: Tensor, smooth: float, g: Generator) -> Tensor:
    """Draw noise (N, 1, H, W) in [0, 1] whose octaves shrink by ``smooth`` each, as of a plasma."""
    h, w = x.shape[2:]
    frequency = torch.fft.fftfreq(h)[:, None] ** 2 + torch.fft.rfftfreq(w) ** 2
    frequency = frequency.sqrt().clamp_min(1 / max(h, w))
    waves = torch.fft.rfft2(torch.randn(len(x), 1, h, w, generator=g))
    field: Tensor = torch.fft.irfft2(waves / frequency ** (1 + math.log2(smooth)), s=(h, w))
    low, high = field.amin((2, 3), keepdim=True), field.amax((2, 3), keepdim=True)
    return (field - low) / (high - low).clamp_min(1e-6)


def _grid(x: Tensor) -> Tensor:
    """Return where ``grid_sample`` finds each pixel of the images, (N, H, W, 2)."""
    identity = torch.eye(2, 3).expand(len(x), -1, -1)
    return F.affine_grid(identity, list(x.shape), align_corners=False)


def _sample(x: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
