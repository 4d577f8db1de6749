"""Square-shaped changes of images: what the Square Attack proposes."""

import math

import torch
from torch import Tensor

from hardsight.core.batches import choose, per_image


def stripes(centre: Tensor, eps: float, generator: torch.Generator | None) -> Tensor:
    """Add stripes one pixel wide of +eps or -eps (Andriushchenko et al., 2020, section 3.3).

    Shape:
        centre: (B, C, H, W) -> the same, not projected; so for every function here.
    """
    b, c, _, w = centre.shape
    return centre + eps * _signs((b, c, 1, w), centre, generator)


def recolour(
    x: Tensor, centre: Tensor, eps: float, p: float, generator: torch.Generator | None
) -> Tensor:
    """Set one square of an image to one of the extreme colours round its centre (Algorithm 2).

    Colours that would change nothing are turned into their opposites. ``p`` is the share of the
    area that the square covers.
    """
    here = _window(x, _side(x, p, 1), generator)
    old, middle = x[here], centre[here]
    signs = _signs((*x.shape[:2], 1, 1), x, generator)
    same = ((middle + eps * signs).clamp(0, 1) - old).abs().flatten(1).amax(1) < 1e-6
    return x.index_put(here, middle + eps * choose(same, -signs, signs))


def tiles(centre: Tensor, eps: float, generator: torch.Generator | None) -> Tensor:
    """Add patterns side by side, five a side, signs at random, of length eps (section 3.4)."""
    b, c, h, w = centre.shape
    side = max(1, min(h, w) // 5)
    rows, columns = -(-h // side), -(-w // side)
    signs = _signs((b, c, rows, columns), centre, generator)
    signs = signs.repeat_interleave(side, 2).repeat_interleave(side, 3)
    offset = (_pattern(side, centre).repeat(rows, columns) * signs)[..., :h, :w]
    return centre + eps * offset / per_image(offset.flatten(1).norm(dim=1), offset)


def concentrate(
    x: Tensor, centre: Tensor, eps: float, p: float, generator: torch.Generator | None
) -> Tensor:
    """Give one square the change of another, and what of eps is left over (Algorithm 3)."""
    b, c = x.shape[:2]
    side = _side(x, p, 3)
    here, there = _window(x, side, generator), _window(x, side, generator)
    offset, zero = x - centre, x.new_zeros(())
    rest = offset.index_put(here, zero).index_put(there, zero)
    unused = (eps**2 - offset.square().sum((1, 2, 3), keepdim=True)).clamp_min(0)
    budget = (offset.square() - rest.square()).sum((2, 3), keepdim=True) + unused / c
    pattern = _pattern(side, x)
    turned = torch.randint(0, 2, (b, 1, 1, 1), generator=generator, device=x.device).bool()
    change = torch.where(turned, pattern.T, pattern) * _signs((b, c, 1, 1), x, generator)
    old = offset[here]
    change = change + old / _length(old)
    return centre + rest.index_put(here, change / _length(change) * budget.sqrt())


def _pattern(side: int, like: Tensor) -> Tensor:
    """Return a bump above its opposite (side, side), of length 1 (section 3.4)."""
    upper = side // 2
    pattern = torch.cat([_bump(upper, side, like), -_bump(side - upper, side, like)])
    unit: Tensor = pattern / pattern.norm()
    return unit


def _bump(height: int, width: int, like: Tensor) -> Tensor:
    """Return a bump (height, width): sums over k = 0 .. M of 1 / (n + 1 - k)^2 (Eq. 2)."""
    n = height // 2
    r = torch.arange(height, device=like.device)[:, None] - n
    s = torch.arange(width, device=like.device) - width // 2
    m = (n - torch.maximum(r.abs(), s.abs())).clamp_min(0)
    terms = 1 / torch.arange(n + 1, 0, -1, device=like.device).to(like) ** 2
    bump: Tensor = terms.cumsum(0)[m]
    return bump


def _window(
    x: Tensor, side: int, generator: torch.Generator | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the index (B, C, side, side) of a square at random, one per image."""
    b, c, h, w = x.shape
    top, left = (
        torch.randint(0, n - side + 1, (b, 1, 1, 1), generator=generator, device=x.device)
        for n in (h, w)
    )
    step = torch.arange(max(b, c, side), device=x.device)
    rows, columns = top + step[:side, None], left + step[:side]
    return step[:b].view(b, 1, 1, 1), step[:c].view(1, c, 1, 1), rows, columns


def _side(x: Tensor, p: float, least: int) -> int:
    h, w = x.shape[-2:]
    return min(max(round(math.sqrt(p * h * w)), least), h, w)


def _signs(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None) -> Tensor:
    coins = torch.randint(0, 2, shape, generator=generator, device=like.device)
    return coins.to(like) * 2 - 1


def _length(x: Tensor) -> Tensor:
    """Return the length (B, C, 1, 1) of each channel of (B, C, h, w); zero stays zero."""
    length: Tensor = x.flatten(2).norm(dim=2).clamp_min(torch.finfo(x.dtype).tiny)
    return length[..., None, None]
