"""Distortions of a batch that change colours in place: jitter, lines, Perlin patches, erasure."""

import math

import torch
from torch import Generator, Tensor

from hardsight.synthesis.warps import draw, pixel_axes

_LINES = (10, 20)
_CELL = (5.0, 10.0)
_THRESHOLD = (128 / 255, 150 / 255)
_OCTAVES = 6
_RECTANGLES = (3, 5)
_YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


def jitter(x: Tensor, amount: Tensor, hue: Tensor, generator: Generator) -> Tensor:
    """Change brightness, contrast, saturation and hue at random.

    torchvision's adjustments (v2) have one factor for a batch, and its hue goes by HSV; image by
    image they take 3 to 15 times as long.

    Args:
        x: (B, 3, H, W) in [0, 1].
        amount: (B,) factors are drawn from [1 - amount, 1 + amount], each apart.
        hue: (B,) the turn of the chroma plane of YIQ is drawn from [-hue, hue] full turns.
        generator: of the draws.

    Returns:
        (B, 3, H, W) in [0, 1].
    """
    factors = 1 + (2 * draw(generator, 3, len(x), like=x) - 1) * amount
    brightness, contrast, saturation = factors.clamp_min(0).view(3, -1, 1, 1, 1)
    basis = x.new_tensor(_YIQ)
    x = (x * brightness).clamp(0, 1)
    grey = torch.einsum("c,bchw->bhw", basis[0], x)[:, None]
    level = grey.mean((2, 3), keepdim=True)
    x = (level + (x - level) * contrast).clamp(0, 1)
    grey = torch.einsum("c,bchw->bhw", basis[0], x)[:, None]
    x = (grey + (x - grey) * saturation).clamp(0, 1)
    angle = 2 * math.pi * hue * (2 * draw(generator, len(x), like=x) - 1)
    return turn_hue(x, angle).clamp(0, 1)


def turn_hue(x: Tensor, angle: Tensor) -> Tensor:
    """Turn the chroma plane of YIQ, differentiably; grey stays grey.

    Shape:
        x (B, 3, H, W), angle (B,) in radians -> (B, 3, H, W), not clamped.
    """
    basis = x.new_tensor(_YIQ)
    c, s = angle.cos(), angle.sin()
    one, zero = torch.ones_like(angle), torch.zeros_like(angle)
    turn = torch.stack((one, zero, zero, zero, c, -s, zero, s, c), 1).view(-1, 3, 3)
    return torch.einsum("bij,bjhw->bihw", torch.linalg.inv(basis) @ turn @ basis, x)


def lines(x: Tensor, extent: Tensor, amount: Tensor, generator: Generator) -> Tensor:
    """Scratch 10 to 20 straight lines, a pixel wide, of corner colours of the RGB cube.

    Shape:
        x (B, 3, H, W), extent (B, 2) height and width of the patch in pixels -> (B, 3, H, W).
    """
    most = _LINES[1]
    count = _LINES[0] + (draw(generator, len(x), 1, like=x) * (most - _LINES[0] + 1)).floor()
    ends = (draw(generator, len(x), most, 2, 2, like=x) - 0.5) * extent[:, None, None]
    colour = (draw(generator, len(x), most, 3, like=x) < 0.5).to(x.dtype)
    rows, columns = pixel_axes(x)
    start, way = ends[:, :, 0, :, None, None], (ends[:, :, 1] - ends[:, :, 0])[..., None, None]
    dy, dx = rows - start[:, :, 0], columns - start[:, :, 1]
    square = way.square().sum(2).clamp_min(1e-6)
    t = ((dy * way[:, :, 0] + dx * way[:, :, 1]) / square).clamp(0, 1)
    near = (dy - t * way[:, :, 0]).square() + (dx - t * way[:, :, 1]).square() <= 0.25
    near &= (torch.arange(most, device=x.device) < count)[:, :, None, None]
    top = torch.where(near, torch.arange(1, most + 1, device=x.device).view(1, -1, 1, 1), 0)
    last = top.amax(1, keepdim=True)
    drawn = colour.transpose(1, 2).gather(2, (last - 1).clamp_min(0).flatten(2).expand(-1, 3, -1))
    return torch.where(last > 0, drawn.view_as(x), x)


def perlin_recolour(x: Tensor, extent: Tensor, amount: Tensor, generator: Generator) -> Tensor:
    """Give one random colour to the pixels where Perlin noise passes a threshold (128 to 150).

    Shape:
        x (B, 3, H, W) -> (B, 3, H, W).
    """
    cell, threshold = (
        low + (high - low) * draw(generator, len(x), like=x) for low, high in (_CELL, _THRESHOLD)
    )
    noise = perlin(x, cell, generator) / 2 + 0.5
    colour = draw(generator, len(x), 3, 1, 1, like=x)
    return torch.where(noise > threshold.view(-1, 1, 1, 1), colour, x)


def perlin(like: Tensor, cell: Tensor, generator: Generator, octaves: int = _OCTAVES) -> Tensor:
    """Return gradient noise (Perlin, 1985; fade of 2002) of several octaves, halved each time.

    Neither torchvision nor scikit-image has it.

    Args:
        like: (B, C, H, W), for shape, type and device.
        cell: pixels of a lattice cell of the first octave, (B,), or (B, 2) its height and width.
        generator: of the lattice's gradients and place.
        octaves: each of half the cell and half the height of the one before.

    Returns:
        (B, 1, H, W), about within [-1, 1].
    """
    b, _, height, width = like.shape
    side = 64  # the lattice repeats beyond
    angle = 2 * math.pi * draw(generator, b, side * side, like=like)
    place = draw(generator, octaves, b, 2, like=like) * side
    y = torch.arange(height, device=like.device, dtype=like.dtype).view(1, -1, 1)
    x = torch.arange(width, device=like.device, dtype=like.dtype).view(1, 1, -1)
    total = torch.zeros(b, height, width, device=like.device, dtype=like.dtype)
    for octave in range(octaves):
        rate = 2**octave / cell.view(b, -1, 1, 1)
        v, u = (
            y * rate[:, 0] + place[octave, :, 0, None, None],
            x * rate[:, -1] + place[octave, :, 1, None, None],
        )
        v0, u0 = v.floor(), u.floor()
        fv, fu = v - v0, u - u0
        wv, wu = (t**3 * (t * (6 * t - 15) + 10) for t in (fv, fu))
        corners = []
        for i in (0, 1):
            for j in (0, 1):
                index = ((v0 + i) % side * side + (u0 + j) % side).long()
                a = angle.gather(1, index.expand(b, height, width).flatten(1)).view(
                    b, height, width
                )
                corners.append(a.sin() * (fv - i) + a.cos() * (fu - j))
        upper, lower = corners[0].lerp(corners[1], wu), corners[2].lerp(corners[3], wu)
        total = total + upper.lerp(lower, wv) / 2**octave
    return total[:, None] * math.sqrt(2) / 2


def erase(x: Tensor, extent: Tensor, share: Tensor, generator: Generator) -> Tensor:
    """Fill 3 to 5 rectangles of together ``share`` of the patch with a colour each.

    Rectangles are rounded to whole pixels.

    Shape:
        x (B, 3, H, W), extent (B, 2) in pixels, share (B,) -> (B, 3, H, W).
    """
    most = _RECTANGLES[1]
    count = _RECTANGLES[0] + (draw(generator, len(x), like=x) * (most - _RECTANGLES[0] + 1)).floor()
    aspect = (2 * draw(generator, len(x), most, like=x) - 1).exp2()
    side = (share / count)[:, None].sqrt()
    size = torch.stack((side * aspect.sqrt(), side / aspect.sqrt()), -1).clamp_max(1)
    corner = (draw(generator, len(x), most, 2, like=x) - 0.5) * (1 - size) - size / 2
    colour = draw(generator, len(x), most, 3, 1, 1, like=x)
    middle = x.new_tensor(x.shape[-2:]) / 2
    places = (middle + corner * extent[:, None]).round().clamp_min(0)
    boxes = torch.cat((places, (size * extent[:, None]).round()), -1).int().tolist()
    found = x.clone()
    for image, own, n, colours in zip(found, boxes, count.int().tolist(), colour, strict=True):
        for (top, left, height, width), value in zip(own[:n], colours[:n], strict=True):
            image[:, top : top + height, left : left + width] = value
    return found
