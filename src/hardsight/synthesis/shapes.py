"""Shapes of defects: which pixels, as soft alpha masks with anti-aliased edges.

A shape does not know what its pixels become: that is a filling's business. Lengths are fractions
of the image's shorter side. Widths ``_px`` are pixels of an image of 256 x 256 and go with the
square root of the side, so that lines stay visible on small images.
"""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

Shape = Callable[[tuple[int, int], tuple[float, float], Generator, float], Tensor]
"""(height and width, centre (y, x) in pixels, generator, severity in (0, 1]) -> alpha (1, H, W)
float32 in [0, 1]; severity sets the size."""


def uniform(generator: Generator, low: float, high: float) -> float:
    """Draw a number from [low, high)."""
    return low + (high - low) * torch.rand((), generator=generator, device=generator.device).item()


def blob(
    radius: tuple[float, float], softness: float, roughness: float, stretch: float = 1.5
) -> Shape:
    """Return a rounded, irregular patch: r(theta) = r0 (1 + sum_k a_k cos(k theta + phi_k)).

    Args:
        radius: Smallest and largest r0, at severity 0 and 1, as fractions of the side.
        softness: Width of the edge as a fraction of r0; never under a pixel.
        roughness: Standard deviation of the outline as a fraction of r0.
        stretch: Longest ratio of the two axes.
    """

    def shape(
        size: tuple[int, int], centre: tuple[float, float], generator: Generator, severity: float
    ) -> Tensor:
        r0 = _grown(radius, generator, severity) * min(size)
        ratio = math.sqrt(uniform(generator, 1, stretch))
        y, x = _axes(size, centre, uniform(generator, 0, math.pi))
        y, x = y * ratio, x / ratio
        orders = torch.arange(1, 8.0)
        draw = torch.randn(2, 7, generator=generator, device=generator.device).cpu()
        a, b = draw / orders / math.sqrt(2) * roughness  # a_k e^(i phi_k)
        theta = torch.linspace(-math.pi, math.pi, 257)
        waves = theta[:, None] * orders
        outline = 1 + (a * waves.cos() + b * waves.sin()).sum(1)
        place = (torch.atan2(y, x) + math.pi) * (256 / (2 * math.pi))
        left = place.floor().clamp_(0, 255)
        index = left.long()
        r = outline[index].lerp(outline[index + 1], place - left).clamp_(min=0.3) * r0
        edge = max(softness * r0, 1.0)
        return _smooth((r - torch.hypot(y, x)) / edge + 0.5)[None]

    return shape


def box(side: tuple[float, float]) -> Shape:
    """Return a turned rectangle with rounded corners; ``side`` at severity 0 and 1, a fraction."""

    def shape(
        size: tuple[int, int], centre: tuple[float, float], generator: Generator, severity: float
    ) -> Tensor:
        height, width = (_grown(side, generator, severity) * min(size) / 2 for _ in "hw")
        corner = min(height, width) * uniform(generator, 0.1, 0.6)
        y, x = _axes(size, centre, uniform(generator, 0, math.pi))
        dy, dx = y.abs() - height + corner, x.abs() - width + corner
        distance = torch.hypot(dy.clamp(min=0), dx.clamp(min=0)) + torch.maximum(dy, dx).clamp(
            max=0
        )
        return _smooth((corner - distance) / 1.5 + 0.5)[None]

    return shape


def scratch(length: tuple[float, float], width_px: tuple[float, float]) -> Shape:
    """Return a slightly bent line that tapers to its ends and lifts off here and there.

    Args:
        length: At severity 0 and 1, as fractions of the side.
        width_px: At severity 0 and 1; under about a pixel the line is hair-fine.
    """

    def shape(
        size: tuple[int, int], centre: tuple[float, float], generator: Generator, severity: float
    ) -> Tensor:
        reach = _grown(length, generator, severity) * min(size)
        angle, bend = uniform(generator, 0, 2 * math.pi), uniform(generator, -0.15, 0.15)
        t = torch.linspace(-0.5, 0.5, max(int(reach * 2.5), 8))
        along, across = t * reach, bend * reach * (1 - 4 * t**2)
        y = centre[0] + along * math.sin(angle) + (across - bend * reach) * math.cos(angle)
        x = centre[1] + along * math.cos(angle) - (across - bend * reach) * math.sin(angle)
        pressure = 0.75 + 0.25 * _wander(len(t), 7, generator)
        taper = (1 - (2 * t.abs()) ** 4).clamp(min=0).sqrt()
        radius = _thickness(width_px, generator, severity, size) / 2 * taper.clamp(min=0.3)
        strength = pressure * (0.35 + 0.65 * taper)
        return _stroke(size, torch.stack((y, x), 1), radius * pressure, strength)

    return shape


def fibre(length: tuple[float, float], width_px: tuple[float, float]) -> Shape:
    """Return a curled line of even width, its heading a smooth random walk; see ``scratch``."""

    def shape(
        size: tuple[int, int], centre: tuple[float, float], generator: Generator, severity: float
    ) -> Tensor:
        reach = _grown(length, generator, severity) * min(size)
        steps = max(int(reach * 2.5), 8)
        curl = uniform(generator, 0.8, 3.2)
        heading = uniform(generator, 0, 2 * math.pi) + curl * _wander(steps, 5, generator)
        points = torch.stack((heading.sin(), heading.cos()), 1).cumsum(0) * (reach / steps)
        points += torch.tensor(centre) - points[steps // 2]
        radius = _thickness(width_px, generator, severity, size) / 2
        return _stroke(size, points, torch.full((steps,), radius), torch.ones(steps))

    return shape


def _stroke(size: tuple[int, int], points: Tensor, radius: Tensor, strength: Tensor) -> Tensor:
    """Return the coverage (1, H, W) of discs of ``radius`` (P,) at dense ``points`` (P, 2)."""
    height, width = size
    reach = math.ceil(float(radius.max()) + 0.5)
    near = torch.arange(-reach, reach + 1)
    offsets = torch.stack(torch.meshgrid(near, near, indexing="ij"), -1).reshape(-1, 2)
    pixels = points.round().long()[:, None] + offsets
    distance = (pixels - points[:, None]).norm(dim=-1)
    cover = (radius[:, None] + 0.5 - distance).clamp(0, 1) * strength[:, None]
    inside = ((pixels >= 0) & (pixels < torch.tensor(size))).all(-1)
    index = (pixels[..., 0] * width + pixels[..., 1])[inside]
    alpha = torch.zeros(height * width)
    alpha.scatter_reduce_(0, index, cover[inside], "amax")
    return alpha.view(1, height, width)


def _axes(
    size: tuple[int, int], centre: tuple[float, float], angle: float
) -> tuple[Tensor, Tensor]:
    """Return turned coordinates (H, W) in pixels with the origin at ``centre``."""
    y = torch.arange(float(size[0]))[:, None] - centre[0]
    x = torch.arange(float(size[1])) - centre[1]
    c, s = math.cos(angle), math.sin(angle)
    return c * y - s * x, s * y + c * x


def _wander(steps: int, knots: int, generator: Generator) -> Tensor:
    """Return a smooth random curve (steps,) through ``knots`` uniform values in [-1, 1]."""
    draw = torch.rand(1, 1, knots, 1, generator=generator, device=generator.device).cpu() * 2 - 1
    smooth = torch.nn.functional.interpolate(draw, (steps, 1), mode="bicubic", align_corners=True)
    return smooth.flatten().clamp(-1, 1)


def _grown(span: tuple[float, float], generator: Generator, severity: float) -> float:
    return (span[0] + (span[1] - span[0]) * severity) * uniform(generator, 0.8, 1.2)


def _thickness(
    width_px: tuple[float, float], generator: Generator, severity: float, size: tuple[int, int]
) -> float:
    return max(_grown(width_px, generator, severity) * math.sqrt(min(size) / 256), 0.8)


def _smooth(t: Tensor) -> Tensor:
    t = t.clamp(0, 1)
    return t * t * (3 - 2 * t)
