"""Square: random search with square-shaped changes, for objectives without a useful gradient."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hardsight.attacks.balls import L2, Ball, Linf
from hardsight.attacks.contract import Objective, scheduled
from hardsight.attacks.entry import Entry
from hardsight.attacks.gradients import evaluate
from hardsight.attacks.squares import concentrate, recolour, stripes, tiles
from hardsight.core.batches import choose, per_image
from hardsight.core.counts import demand_whole
from hardsight.core.types import AttackResult

HALVINGS = (0.001, 0.005, 0.02, 0.1, 0.2, 0.4, 0.6, 0.8)
"""Shares of the search after which p is halved (section 5: 10, 50, ... of 10,000 queries)."""

ASCENTS = 8
"""Steps along the measured slopes while a sweep goes on."""


@dataclass(frozen=True)
class Square(Entry):
    """The Square Attack (Andriushchenko et al., 2020, Algorithms 1 to 3), and a sweep after it.

    Search: every query proposes, for each image its own, new values inside one square; what raises
    the objective stays. The squares shrink as the search goes on.

    Sweep: random search alone cannot climb a slope whose every pixel counts (n answers "better" or
    "worse" settle at most n signs). So the rest of the queries divide each channel into as many
    square cells as they allow, measure the slope along each, and step along what is known so far,
    where that raises the objective. ``sweep=0`` is the published attack.

    With a random objective one lucky draw must not stick. The start is evaluated twice; if the
    values differ, the best image so far is evaluated again at every proposal, and the proposal is
    held against the mean of its values, from which the one that let it in is left out. What is
    returned is judged once more on fresh noise. An objective that changes over the attack is taken
    at its end, see ``scheduled``.

    Args:
        ball: ``Linf`` or ``L2``.
        queries: evaluations of the objective, the last judgement included; AutoAttack's number.
        p_init: share of the image's area that the first squares cover.
        sweep: largest share of the queries the sweep may have.

    Shape:
        objective: images (B, C, H, W) -> (B,). images: (B, C, H, W) in [0, 1].
    """

    ball: Ball
    queries: int = 5000
    p_init: float = 0.8
    sweep: float = 2 / 3
    by_gradient = False  # it sees values alone

    def __post_init__(self) -> None:
        if not isinstance(self.ball, Linf | L2):
            raise ValueError(f"ball must be Linf or L2 for Square, got {self.ball!r}")
        demand_whole(3, queries=self.queries)  # the start twice, the end once
        if not 0 < self.p_init <= 1:
            raise ValueError(f"p_init must be in (0, 1], got {self.p_init}")
        if not 0 <= self.sweep <= 1:
            raise ValueError(f"sweep must be in [0, 1], got {self.sweep}")

    @property
    def evaluations(self) -> int:
        """Count the evaluations of the objective in one call."""
        return self.queries

    @torch.no_grad()
    def optimise(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None,
        start: Tensor | None,
    ) -> AttackResult:
        """Search, from random stripes (L-inf) or tiles (L2) without ``start``, then sweep."""
        begin, propose = (
            (stripes, recolour) if isinstance(self.ball, Linf) else (tiles, concentrate)
        )
        x = begin(images, self.ball.eps, generator) if start is None else start
        x = self.ball.project(x, images)
        incumbent = _Incumbent(scheduled(objective, 1.0), x, generator)
        left = self.queries - 3
        ascents = ASCENTS * (2 * incumbent.cost - 1)
        cells, count = _grid(x, int(left * self.sweep) - ascents)
        search = (left - count - ascents * (count > 0)) // incumbent.cost
        for i in range(search):
            p = self.p_init / 2 ** sum(i > share * search for share in HALVINGS)
            proposal = propose(incumbent.x, images, self.ball.eps, p, generator)
            incumbent.offer(self.ball.project(proposal, images))
        if count:
            self._sweep(incumbent, images, cells, count, generator)
        value = incumbent.judge(incumbent.x)
        return AttackResult.gradient_free(incumbent.x, value.float(), incumbent.spent)

    def _sweep(
        self,
        incumbent: "_Incumbent",
        centre: Tensor,
        cells: Tensor,
        count: int,
        generator: torch.Generator | None,
    ) -> None:
        b = len(centre)
        order = torch.rand(b, count, generator=generator, device=centre.device).argsort(1)
        jump = self.ball.eps / per_image(self.ball.distance(centre + 1, centre), centre)
        slopes = centre.new_zeros(b, count)
        step_size = per_image(centre.new_full((b,), 2 * self.ball.eps), centre)
        for i in range(count):
            cell = order[:, i, None]
            inside = cells == per_image(cell, centre)
            level = (incumbent.x * inside).sum((1, 2, 3), True) / inside.sum((1, 2, 3), True)
            probe = incumbent.x + inside * torch.where(level < 0.5, jump, -jump)
            change = (probe.clamp(0, 1) - incumbent.x).sum((1, 2, 3))
            rise = incumbent.judge(probe.clamp(0, 1)) - incumbent.value
            slope = rise * change.sign() / change.abs().clamp_min(torch.finfo(rise.dtype).tiny)
            slopes.scatter_(1, cell, slope[:, None].to(slopes))
            if (i + 1) * ASCENTS // count > i * ASCENTS // count:
                ahead = self.ball.ascend(incumbent.x, slopes[:, cells[0]], step_size)
                better = incumbent.offer(self.ball.project(ahead, centre))
                step_size = choose(better, step_size, step_size / 2)
                incumbent.look()  # slopes are measured from a value that luck has not raised


class _Incumbent:
    """The best images so far, what they are worth, and the evaluations spent on that."""

    def __init__(self, objective: Objective, x: Tensor, generator: torch.Generator | None) -> None:
        self.objective, self.x, self.generator = objective, x, generator
        self.spent = 0
        self.value = self.judge(x)
        again = self.judge(x)
        self.cost = 1 if torch.equal(again, self.value) else 2
        """Evaluations that a proposal costs."""
        self.value = (self.value + again) / 2
        self.seen = torch.full_like(self.value, 2)
        """Values behind each mean; 0 where the only one is that of the proposal taken."""

    def judge(self, x: Tensor) -> Tensor:
        """Evaluate the objective (B,) of images (B, C, H, W)."""
        self.spent += 1
        return evaluate(self.objective, x, self.generator)

    def look(self) -> None:
        """Evaluate the best images so far again, if that can tell anything new."""
        if self.cost == 2:
            self.seen = self.seen + 1
            self.value = self.value + (self.judge(self.x) - self.value) / self.seen

    def offer(self, proposal: Tensor) -> Tensor:
        """Take the proposal for those images (B,) for which it is better, and return which."""
        self.look()
        new = self.judge(proposal)
        better = new > self.value
        self.x = choose(better, proposal, self.x)
        self.value = torch.where(better, new, self.value)
        self.seen = torch.where(better, 0, self.seen)
        return better


def _grid(x: Tensor, most: int) -> tuple[Tensor, int]:
    """Return the number of each pixel's square cell (1, C, H, W), and how many there are.

    The cells are as small as ``most`` of them allow, and none if not even one a channel can be.
    """
    _, c, h, w = x.shape
    side = next((s for s in range(1, max(h, w) + 1) if c * -(-h // s) * -(-w // s) <= most), 0)
    if not side:
        return torch.zeros(1, c, h, w, dtype=torch.long, device=x.device), 0
    rows, columns = (torch.arange(n, device=x.device) // side for n in (h, w))
    across, each = -(-w // side), -(-h // side) * -(-w // side)
    channels = each * torch.arange(c, device=x.device).view(1, c, 1, 1)
    return channels + across * rows[:, None] + columns, c * each
