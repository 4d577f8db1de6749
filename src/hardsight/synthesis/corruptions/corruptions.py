"""The nineteen common corruptions, for images of any size (Hendrycks & Dietterich, 2019).

Written from the paper's descriptions, with CIFAR-10-C's parameters where the operation is the
same; lengths in pixels grow with the images from 32 x 32 on. Frost, snow and spatter are
synthesised, not cut from photographs, glass displaces pixels instead of swapping them, and these
and the elastic bending have severities of their own: results are near those on the published files,
not equal to them.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from hardsight.synthesis.corruptions.weather import (
    defocus_blur,
    elastic_transform,
    fog,
    frost,
    gaussian_blur,
    glass_blur,
    motion_blur,
    snow,
    spatter,
    zoom_blur,
)
from hardsight.synthesis.jpeg import jpeg

Corruption = Callable[[Tensor, int, Generator], Tensor]
"""(images (N, C, H, W) in [0, 1], severity 0..4, generator) -> the same shape, unclamped."""


def corrupt(images: Tensor, name: str, severity: int, generator: Generator) -> Tensor:
    """Return corrupted copies.

    Args:
        images: (N, C, H, W) on the CPU, uint8, or float in [0, 1].
        name: a key of ``CORRUPTIONS``.
        severity: 1 to 5.
        generator: on the CPU, of all randomness.

    Returns:
        (N, C, H, W), of the type given, uint8 or float in [0, 1].

    Raises:
        ValueError: an unknown name, or a severity outside 1..5.
    """
    if name not in CORRUPTIONS:
        raise ValueError(f"corruption {name!r} is not known; choose from {', '.join(CORRUPTIONS)}")
    if severity not in SEVERITIES:
        raise ValueError(f"severity must be in 1..5, got {severity}")
    whole = images.dtype == torch.uint8
    x = images.float() / 255 if whole else images
    found = CORRUPTIONS[name](x.float(), severity - 1, generator).clamp(0, 1)
    return (found * 255).round().byte() if whole else found.to(images)


def _normal(x: Tensor, g: Generator) -> Tensor:
    return torch.randn(x.shape, generator=g)


def gaussian_noise(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Add the noise of electronics in low light."""
    return x + (0.04, 0.06, 0.08, 0.09, 0.10)[severity] * _normal(x, g)


def shot_noise(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Draw each pixel as a count of light's particles (Poisson)."""
    photons = (500, 250, 100, 75, 50)[severity]
    return torch.poisson(x * photons, generator=g) / photons


def impulse_noise(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Add salt and pepper, each value by itself."""
    share = (0.01, 0.02, 0.03, 0.05, 0.07)[severity]
    u = torch.rand(x.shape, generator=g)
    return torch.where(u < share / 2, 0.0, torch.where(u > 1 - share / 2, 1.0, x))


def speckle_noise(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Add noise in proportion to the light."""
    return x + (0.06, 0.1, 0.12, 0.16, 0.2)[severity] * x * _normal(x, g)


def brightness(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Raise the value of HSV."""
    value = x.amax(1, keepdim=True)
    raised = (value + (0.05, 0.1, 0.15, 0.2, 0.3)[severity]).clamp(max=1)
    black = value < 1 / 512
    return torch.where(black, raised, x * raised / value.clamp_min(1 / 512))


def contrast(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Draw each channel towards its mean."""
    mean = x.mean((2, 3), keepdim=True)
    return mean + (0.75, 0.5, 0.4, 0.3, 0.15)[severity] * (x - mean)


def saturate(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Change HSV's saturation: lower it in the first two severities, raise it in the others.

    A grey pixel has no hue and stays as it is; so does an image of one channel.
    """
    factor, offset = ((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2))[severity]
    value = x.amax(1, keepdim=True)
    saturation = 1 - x.amin(1, keepdim=True) / value.clamp_min(1e-6)
    wanted = (factor * saturation + offset).clamp(0, 1)
    ratio = torch.where(saturation > 1e-6, wanted / saturation.clamp_min(1e-6), 1.0)
    return value - (value - x) * ratio


def pixelate(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Shrink and enlarge again, both by averages over areas."""
    share, (h, w) = (0.95, 0.9, 0.85, 0.75, 0.65)[severity], x.shape[2:]
    rows, columns = max(1, int(h * share)), max(1, int(w * share))
    down, across = _box(rows, h) @ _box(h, rows), _box(columns, w) @ _box(w, columns)
    return down.to(x) @ x @ across.to(x).T


def _box(n: int, m: int) -> Tensor:
    """Return (m, n): the averages of n pixels over m equal parts of their length."""
    ends = torch.arange(m + 1, dtype=torch.float64) * n / m
    start = torch.arange(n, dtype=torch.float64)
    overlap = torch.minimum(ends[1:, None], start + 1) - torch.maximum(ends[:-1, None], start)
    return overlap.clamp_min(0) * m / n


def jpeg_compression(x: Tensor, severity: int, g: Generator) -> Tensor:
    """Store as cameras do; what is neither grey nor RGB, channel by channel."""
    quality = (80, 65, 58, 50, 40)[severity]
    layers = x if x.shape[1] == 3 else x.reshape(-1, 1, *x.shape[2:])
    return jpeg(layers.clamp(0, 1), torch.full((len(layers),), quality)).view_as(x)


CORRUPTIONS: dict[str, Corruption] = {
    "gaussian_noise": gaussian_noise,
    "shot_noise": shot_noise,
    "impulse_noise": impulse_noise,
    "speckle_noise": speckle_noise,
    "gaussian_blur": gaussian_blur,
    "defocus_blur": defocus_blur,
    "glass_blur": glass_blur,
    "motion_blur": motion_blur,
    "zoom_blur": zoom_blur,
    "snow": snow,
    "frost": frost,
    "fog": fog,
    "spatter": spatter,
    "brightness": brightness,
    "contrast": contrast,
    "saturate": saturate,
    "pixelate": pixelate,
    "jpeg_compression": jpeg_compression,
    "elastic_transform": elastic_transform,
}
"""Name, as the published files have it -> corruption."""

FAMILIES: dict[str, tuple[str, ...]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"),
    "blur": ("gaussian_blur", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "spatter", "brightness"),
    "digital": ("contrast", "saturate", "pixelate", "jpeg_compression", "elastic_transform"),
}
"""Family -> its corruptions, as the paper sorts them."""

SEVERITIES = (1, 2, 3, 4, 5)
