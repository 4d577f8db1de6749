import pytest
import torch
from torch import Tensor

from hardsight.attacks import L2, PGD, Linf


class Linear:
    """s(x) = w . x: away from the bounds the best gain is eps ||w||_1 (L-inf), eps ||w||_2 (L2)."""

    def __init__(self, shape: tuple[int, ...], seed: int = 0) -> None:
        self.w = torch.randn(
            shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
        )

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return (images * self.w).flatten(1).sum(1)


@pytest.fixture
def grey() -> Tensor:
    return torch.full((4, 3, 8, 8), 0.5, dtype=torch.float64)


@pytest.mark.parametrize("random_start", [False, True])
@pytest.mark.parametrize(("ball", "norm"), [(Linf(8 / 255), 1), (L2(0.3), 2)])
def test_linear_victim_is_beaten_to_the_closed_form(grey, ball, norm, random_start):
    victim = Linear((3, 8, 8))
    result = PGD(ball, steps=40, step_size=ball.eps / 8, random_start=random_start)(
        victim, grey, torch.Generator().manual_seed(1)
    )
    best = ball.eps * victim.w.norm(norm)
    gain = victim(result.images) - victim(grey)
    assert torch.all(gain >= 0.999 * best)
    assert torch.all(gain <= best * (1 + 1e-9))
    assert torch.equal(result.objective, victim(result.images).float())
    assert result.queries == 41


def test_clamping_at_the_pixel_range_is_the_best_corner():
    """Near the bounds the optimum is the corner of ball and range: known pixel by pixel."""
    victim, x = Linear((3, 8, 8)), torch.rand(2, 3, 8, 8, dtype=torch.float64)
    eps = 0.2
    corner = torch.where(victim.w > 0, (x + eps).clamp(max=1), (x - eps).clamp(min=0))
    found = PGD(Linf(eps), steps=30, random_start=False)(victim, x).images
    torch.testing.assert_close(found, corner)


def test_no_image_depends_on_its_batch(grey):
    def quadratic(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return -((images - 0.4) ** 2).flatten(1).sum(1)

    attack = PGD(L2(0.5), steps=7, random_start=False)
    x = torch.rand(4, 3, 8, 8, dtype=torch.float64)
    whole = attack(quadratic, x).images
    alone = torch.cat([attack(quadratic, one[None]).images for one in x])
    torch.testing.assert_close(whole, alone)


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


def test_same_generator_same_images(grey):
    victim = Linear((3, 8, 8))
    runs = [
        PGD(Linf(0.1), steps=1)(victim, grey, torch.Generator().manual_seed(3)) for _ in range(2)
    ]
    assert torch.equal(runs[0].images, runs[1].images)


@pytest.mark.parametrize("wrong", [{"steps": -1}, {"restarts": 0}, {"step_size": 0.0}])
def test_impossible_budgets_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PGD(Linf(0.1), **wrong)
