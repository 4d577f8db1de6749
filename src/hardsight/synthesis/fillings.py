"""Fillings of defects: what the pixels under a soft alpha mask become.

Tone is chosen against the surface round about, so that a defect shows on dark and bright parts
alike; a tint is used on colour images only.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from hardsight.synthesis.blur import gaussian_blur
from hardsight.synthesis.shapes import uniform

Filling = Callable[[Tensor, Tensor, Generator, float], Tensor]
"""(image (C, H, W) in [0, 1], alpha (1, H, W) in [0, 1], generator, severity in (0, 1]) -> image;
severity sets the contrast."""


def groove(image: Tensor, alpha: Tensor, generator: Generator, severity: float) -> Tensor:
    """Cut into the surface: a new tone with a bright and a dark flank (scratches)."""
    tone, _ = _tone(image, alpha, generator, 0.2 + 0.3 * severity)
    cut = image.lerp(0.3 * image + 0.7 * tone, alpha * (0.65 + 0.35 * severity))
    return (cut + (0.1 + 0.2 * severity) * relief(alpha, generator, 0.8)).clamp(0, 1)


def pigment(image: Tensor, alpha: Tensor, generator: Generator, severity: float) -> Tensor:
    """Stain the surface, whose texture shows through: mottled, denser towards the edge."""
    target, sign = _tone(image, alpha, generator, 0.45)
    tint = _tint(image, generator, grey=0.35)
    rim = uniform(generator, 0.3, 1.2)
    density = alpha * (0.6 + 0.4 * mottle(image, generator)) + rim * alpha * (1 - alpha)
    depth = (0.35 + 0.5 * severity) * density.clamp(0, 1)
    if sign < 0:
        return (image * (1 - depth * (1 - tint))).clamp(0, 1)
    pale = (0.45 * image + 0.55 * target) * (0.5 + 0.5 * tint / tint.max())
    return image.lerp(pale, depth).clamp(0, 1)


def cavity(image: Tensor, alpha: Tensor, generator: Generator, severity: float) -> Tensor:
    """Break a hole: dark inside, darker under the lit edge, with a chipped bright lip."""
    around = _mean(image, alpha)
    depth = 0.55 + 0.4 * severity
    core = around * (0.3 + 0.7 * _tint(image, generator, grey=1.0))
    inside = 0.2 * image + 0.4 * core * (0.6 + 0.4 * mottle(image, generator))
    lit = relief(_blurred(alpha, _scale(image) * 3), generator, _scale(image) * 3)
    floor = inside * (1 - 0.5 * lit.clamp(-1, 1))
    lip = (_blurred(alpha, _scale(image) * 1.5) - alpha).clamp(min=0)
    chipped = image + 0.5 * severity * lip * (1 - image)
    return chipped.lerp(floor, alpha * depth).clamp(0, 1)


def strand(image: Tensor, alpha: Tensor, generator: Generator, severity: float) -> Tensor:
    """Lay a thread on the surface: even tone, rounded shading and a soft shadow beside it."""
    shift = _scale(image) * uniform(generator, 2, 4)
    angle = uniform(generator, 0, 2 * math.pi)
    moved = _shifted(_blurred(alpha, shift / 2), shift * math.sin(angle), shift * math.cos(angle))
    ground = image * (1 - (0.2 + 0.3 * severity) * moved)
    tone, _ = _tone(image, alpha, generator, 0.3 + 0.35 * severity)
    tone = tone * (0.5 + 0.5 * _tint(image, generator, grey=1.0))
    body = tone + 0.25 * relief(alpha, generator, 0.7)
    return ground.lerp(body.clamp(0, 1), alpha * (0.8 + 0.2 * severity)).clamp(0, 1)


def elsewhere(image: Tensor, alpha: Tensor, generator: Generator, severity: float) -> Tensor:
    """Show another, turned part of the same image, lit a little differently (misplaced patches)."""
    _, height, width = image.shape
    angle = uniform(generator, math.pi / 6, 11 * math.pi / 6)
    weights = alpha / alpha.sum().clamp(min=1e-6)
    cy = float((weights.sum((0, 2)) * _ramp(height, image)).sum())
    cx = float((weights.sum((0, 1)) * _ramp(width, image)).sum())
    # the source lies at least a quarter of the image away, down or up, wrapped round
    sy = (cy + 1 + uniform(generator, 0.5, 1.5)) % 2 - 1
    sx = (cx + 1 + uniform(generator, 0, 2)) % 2 - 1
    c, s, ratio = math.cos(angle), math.sin(angle), height / width
    turn = torch.tensor([[c, -s * ratio], [s / ratio, c]])
    offset = torch.tensor([sx, sy]) - turn @ torch.tensor([cx, cy])
    theta = torch.cat((turn, offset[:, None]), 1).to(image)
    grid = F.affine_grid(theta[None], [1, *image.shape], align_corners=False)
    moved = F.grid_sample(image[None], grid, padding_mode="reflection", align_corners=False)[0]
    gain = 1 + math.copysign(uniform(generator, 0.15, 0.2 + 0.3 * severity), c)
    cast = 0.6 + 0.5 * _tint(image, generator, grey=0.8)  # of another lot, another white balance
    return image.lerp((moved * gain * cast).clamp(0, 1), alpha)


def defocus(image: Tensor, alpha: Tensor, generator: Generator, severity: float) -> Tensor:
    """Put the part out of focus (smears, haze, wear); on a colour image it also pales."""
    sigma = _scale(image) * (2.5 + 4 * severity) * uniform(generator, 0.8, 1.2)
    soft = _blurred(image, max(sigma, 1.5))
    grey = soft.mean(0, keepdim=True).expand_as(soft)
    return image.lerp(soft.lerp(grey, 0.5 + 0.4 * severity), alpha)


def relief(alpha: Tensor, generator: Generator, reach: float) -> Tensor:
    """Return the slope of ``alpha`` towards a random light, (1, H, W) in [-1, 1]."""
    angle = uniform(generator, 0, 2 * math.pi)
    dy, dx = reach * math.sin(angle), reach * math.cos(angle)
    return _shifted(alpha, dy, dx) - _shifted(alpha, -dy, -dx)


def mottle(image: Tensor, generator: Generator) -> Tensor:
    """Return smooth noise (1, H, W) in [0, 1] of two octaves."""
    noise = torch.zeros(1, 1, *image.shape[1:], device=image.device)
    for cells, weight in ((8, 0.65), (20, 0.35)):
        draw = torch.rand(1, 1, cells, cells, generator=generator, device=generator.device)
        smooth = F.interpolate(draw.to(image.device), image.shape[1:], mode="bicubic")
        noise = noise + weight * smooth.clamp(0, 1)
    return noise[0].to(image.dtype)


def _blurred(x: Tensor, sigma: float) -> Tensor:
    """Blur (C, H, W) by a Gaussian of ``sigma`` pixels."""
    return gaussian_blur(x[None], sigma, max(math.ceil(2.5 * sigma), 1))[0]


def _tone(
    image: Tensor, alpha: Tensor, generator: Generator, contrast: float
) -> tuple[Tensor, int]:
    """Return a tone (C, 1, 1) off the surface under ``alpha``, and its direction, 1 or -1.

    It lies ``contrast`` beyond the mean, and more on a rough surface: its standard deviation.
    """
    around = _mean(image, alpha)
    level = float(around.mean())
    contrast += float(_mean((image - around) ** 2, alpha).mean().sqrt())
    bright = uniform(generator, 0, 1) < 0.5
    sign = 1 if level + contrast <= 1 and (bright or level < contrast) else -1
    return (around + sign * contrast).clamp(0, 1), sign


def _tint(image: Tensor, generator: Generator, grey: float) -> Tensor:
    """Return a colour (C, 1, 1) in [0, 1] that no other part has; on a grey image ``grey``.

    As ink, rust or oil do, one channel passes, one is halved and one swallowed.
    """
    if not _coloured(image):
        return torch.full((image.shape[0], 1, 1), grey, device=image.device, dtype=image.dtype)
    order = torch.randperm(image.shape[0], generator=generator, device=generator.device)
    passed = torch.tensor([0.95, uniform(generator, 0.3, 0.7), 0.1])[order.cpu()]
    return passed.to(image)[:, None, None]


def _mean(image: Tensor, alpha: Tensor) -> Tensor:
    return (image * alpha).sum((1, 2), keepdim=True) / alpha.sum().clamp(min=1e-6)


def _coloured(image: Tensor) -> bool:
    return bool((image.amax(0) - image.amin(0)).max() > 2 / 255)


def _scale(image: Tensor) -> float:
    return min(image.shape[1:]) / 256


def _ramp(length: int, like: Tensor) -> Tensor:
    """Return pixel centres in [-1, 1], as ``grid_sample`` counts without ``align_corners``."""
    return (torch.arange(length, device=like.device, dtype=like.dtype) * 2 + 1) / length - 1


def _shifted(x: Tensor, dy: float, dx: float) -> Tensor:
    """Move (C, H, W) by a fraction of a pixel or more, repeating the border."""
    _, height, width = x.shape
    theta = torch.tensor([[1.0, 0.0, -2 * dx / width], [0.0, 1.0, -2 * dy / height]]).to(x)
    grid = F.affine_grid(theta[None], [1, *x.shape], align_corners=False)
    return F.grid_sample(x[None], grid, padding_mode="border", align_corners=False)[0]
