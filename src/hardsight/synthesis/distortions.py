"""Distortions of cut-out patches at three levels (PatchGuard's pseudo-anomalies)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from hardsight.synthesis.jpeg import jpeg
from hardsight.synthesis.recolouring import erase, jitter, lines, perlin_recolour
from hardsight.synthesis.warps import blur, draw, elastic, swirl

Operation = Callable[[Tensor, Tensor, Tensor, Generator], Tensor]
"""(x (B, 3, H, W) in [0, 1], extent (B, 2) height and width of the patch in the middle of x in
pixels, amount (B,), generator) -> x of the same shape and range."""


def _compress(x: Tensor, extent: Tensor, quality: Tensor, generator: Generator) -> Tensor:
    return jpeg(x, quality)


OPERATIONS: dict[str, Operation] = {
    "blur": blur,
    "elastic": elastic,
    "swirl": swirl,
    "jpeg": _compress,
    "lines": lines,
    "perlin": perlin_recolour,
    "erase": erase,
}
"""Name -> operation; colour jitter is none of them: every patch gets it."""


@dataclass(frozen=True)
class Level:
    """How hard a patch is distorted.

    ``share``: of the patches at this level; ``most``: operations of a patch beside the colour
    jitter; ``amounts``: operation -> range of its amount (blur: sigma in pixels, elastic: alpha,
    swirl: radians, jpeg: quality, erase: share of the area; lines and perlin have none);
    ``jitter``: range of the change of brightness, contrast and saturation; ``hue``: largest turn.
    """

    share: float
    most: int
    amounts: dict[str, tuple[float, float]]
    jitter: tuple[float, float]
    hue: float


LEVELS = (
    Level(
        share=0.2,
        most=1,
        amounts={"blur": (0.2, 0.5), "elastic": (10, 20), "swirl": (0.5, 1)},
        jitter=(0.1, 0.1),
        hue=0.1,
    ),
    Level(
        share=0.2,
        most=2,
        amounts={"blur": (0.8, 1.5), "elastic": (20, 40), "swirl": (1, 1.5), "jpeg": (20, 30)},
        jitter=(0.4, 0.4),
        hue=0.3,
    ),
    Level(
        share=0.6,
        most=4,
        amounts={
            "blur": (2, 3),
            "elastic": (40, 100),
            "swirl": (1.5, 2),
            "jpeg": (1, 20),
            "lines": (1, 1),
            "perlin": (1, 1),
            "erase": (0.1, 0.2),
        },
        jitter=(0.8, 1),
        hue=0.5,
    ),
)
"""Light, medium and heavy, with the ranges of PatchGuard."""


@torch.no_grad()
def distort(
    x: Tensor, extent: Tensor, generator: Generator, levels: tuple[Level, ...] = LEVELS
) -> Tensor:
    """Distort every patch at a level of its own by operations of its own, and jitter its colours.

    Of each patch, level, number and choice of operations and their amounts are drawn; the order
    in which the operations follow each other is drawn once for the batch, which runs each of them
    once.

    Args:
        x: (B, 3, H, W) in [0, 1], a patch in the middle of each, what is round about it beyond.
        extent: (B, 2) height and width of the patches in pixels.
        generator: all the randomness.
        levels: to draw from.

    Returns:
        (B, 3, H, W) in [0, 1].
    """
    names = list(OPERATIONS)
    chosen, level = _choose(len(x), names, levels, generator)
    x = x.clone()
    order = torch.randperm(len(names) + 1, generator=generator, device=generator.device).tolist()
    for i in order:
        if i == len(names):
            low, high = (x.new_tensor([v.jitter[k] for v in levels])[level] for k in (0, 1))
            hue = x.new_tensor([v.hue for v in levels])[level]
            x = jitter(x, low + (high - low) * draw(generator, len(x), like=x), hue, generator)
            continue
        rows = chosen[:, i].nonzero()[:, 0]
        if not len(rows):
            continue
        spans = x.new_tensor([v.amounts.get(names[i], (0.0, 0.0)) for v in levels])[level[rows]]
        amount = spans[:, 0] + (spans[:, 1] - spans[:, 0]) * draw(generator, len(rows), like=x)
        index = rows.to(x.device)
        x[index] = OPERATIONS[names[i]](x[index], extent[index], amount, generator).clamp(0, 1)
    return x


def _choose(
    count: int, names: list[str], levels: tuple[Level, ...], generator: Generator
) -> tuple[Tensor, Tensor]:
    """Draw (count, operations) bool and (count,) levels, on the CPU: they steer what runs."""
    where = generator.device
    shares = torch.tensor([v.share for v in levels], device=where)
    level = torch.multinomial(shares, count, replacement=True, generator=generator)
    most = torch.tensor([v.most for v in levels], device=where)[level]
    number = (torch.rand(count, generator=generator, device=where) * (most + 1)).floor()
    known = torch.tensor([[n in v.amounts for n in names] for v in levels], device=where)[level]
    keys = torch.rand(count, len(names), generator=generator, device=where)
    rank = keys.masked_fill(~known, 2).argsort(1).argsort(1)
    return ((rank < number[:, None]) & known).cpu(), level.cpu()
