from dataclasses import dataclass

import pytest
import torch
from analytic_victims import Linear, bumps, two_dimensional
from torch import Tensor

from hardsight.attacks import PGD, Linf
from hardsight.attacks.restarts import Restarted


@dataclass(frozen=True)
class Offers(Restarted):
    """Runs that go nowhere: each offers where it began and places beside it."""

    ball: Linf
    beside: tuple[float, ...]
    steps: int = 0
    restarts: int = 2
    random_start: bool = True

    @property
    def evaluations(self) -> int:
        return self.restarts * len(self.beside)

    def run(self, oracle, x, images):
        return tuple(x + d for d in self.beside)


def test_the_best_of_all_that_is_offered_by_brute_force():
    """Of every run and all of its offers, image by image."""
    x, attack = two_dimensional(), Offers(Linf(0.2), (0.0, 0.05, -0.1), restarts=5)
    seen = []

    def watched(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        seen.append(images)
        return bumps(images)

    found = attack(watched, x, torch.Generator().manual_seed(0))
    values = torch.stack([bumps(images) for images in seen])
    assert len(seen) == found.queries == 15
    torch.testing.assert_close(found.objective, values.amax(0).float(), rtol=0, atol=0)
    chosen = torch.stack(seen)[values.argmax(0), torch.arange(len(x))]
    assert torch.equal(found.images, chosen)
    assert values.argmax(0).unique().numel() > 1, "else one offer for all would do"


def test_what_looked_good_is_judged_on_noise_of_its_own():
    """A lottery: the value kept is the one drawn for the judgement, in the order of the offers."""

    def lottery(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.rand(len(images), generator=generator)

    x = torch.full((3, 1, 1, 1), 0.5)
    attack = Offers(Linf(0.1), (0.0, 0.01), random_start=False)
    found = attack(lottery, x, torch.Generator().manual_seed(5))
    generator = torch.Generator().manual_seed(5)
    drawn = torch.stack([torch.rand(3, generator=generator) for _ in range(4)])
    assert torch.equal(found.objective, drawn.amax(0))


@pytest.fixture
def grey() -> Tensor:
    return torch.full((4, 3, 8, 8), 0.5, dtype=torch.float64)


def test_the_first_restart_begins_where_it_is_told(grey):
    start = grey + 0.3
    found = PGD(Linf(0.1), steps=0)(Linear((3, 8, 8)), grey, start=start)
    torch.testing.assert_close(found.images, grey + 0.1)
    hills = PGD(Linf(0.4), steps=3, step_size=0.01, restarts=4)(
        bumps, two_dimensional(), torch.Generator().manual_seed(0), start=two_dimensional(seed=1)
    )
    alone = PGD(Linf(0.4), steps=3, step_size=0.01)(
        bumps, two_dimensional(), start=two_dimensional(seed=1)
    )
    assert torch.all(hills.objective >= alone.objective)
    assert (hills.objective > alone.objective + 0.1).any()


def test_restarts_keep_the_best_of_each_image():
    """Two hills: from most starts one step climbs the low one, some restart finds the high one."""

    def hills(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        v = images[:, 0, 0, 0]
        return torch.exp(-((v - 0.3) ** 2) / 2e-3) + 2 * torch.exp(-((v - 0.7) ** 2) / 2e-3)

    x = torch.full((6, 1, 1, 1), 0.45)
    one = PGD(Linf(0.3), steps=10, step_size=0.03)(hills, x, torch.Generator().manual_seed(0))
    many = PGD(Linf(0.3), steps=10, step_size=0.03, restarts=12)(
        hills, x, torch.Generator().manual_seed(0)
    )
    assert torch.all(many.objective >= one.objective)
    assert torch.all(many.objective > 1.8)
    assert (one.objective < 1.2).any()


@pytest.mark.parametrize("wrong", [{"steps": -1}, {"restarts": 0}])
def test_impossible_budgets_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Offers(Linf(0.1), (0.0,), **wrong)


@pytest.mark.parametrize("ball", [8 / 255, "8/255", Linear(())])
def test_what_is_no_ball_is_refused_by_name(ball):
    """As of one who gives the model first, as in other libraries."""
    with pytest.raises(TypeError, match=r"ball must be a threat model as Linf\(8 / 255\)"):
        PGD(ball)
