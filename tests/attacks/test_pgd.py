import pytest
import torch
from analytic_victims import Linear, bumps, grid_best, net, two_dimensional
from torch import Tensor

from hardsight.attacks import L2, PGD, Linf, bim, fgsm, value_and_gradient


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


@pytest.mark.parametrize("ball", [Linf(0.3), L2(4.0)])
def test_closed_form_where_many_pixels_stop_at_the_bounds(ball):
    victim = Linear((3, 8, 8))
    x = torch.rand(4, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    attack = PGD(ball, steps=100, step_size=ball.eps / 4)
    found = attack(victim, x, torch.Generator().manual_seed(1))
    gain, best = victim(found.images) - victim(x), victim.best_gain(ball, x)
    assert torch.all(gain >= 0.999 * best)
    assert torch.all(gain <= best * (1 + 1e-9))


@pytest.mark.parametrize("victim", [bumps, net])
@pytest.mark.parametrize("ball", [Linf(0.25), L2(0.3)])
def test_restarts_find_what_a_grid_search_finds(victim, ball):
    x = two_dimensional()
    found = PGD(ball, steps=40, restarts=10)(victim, x, torch.Generator().manual_seed(0))
    assert torch.all(victim(found.images) >= 0.99 * grid_best(victim, ball, x))


@pytest.mark.parametrize("ball", [Linf(0.2), L2(0.3)])
def test_momentum_is_mi_fgsm(ball):
    """Dong et al., Algorithm 1, image by image."""
    x = two_dimensional(3)
    found = PGD(ball, steps=6, step_size=0.05, random_start=False, momentum=0.9)(bumps, x)
    for i, centre in enumerate(x):
        at, gathered = centre[None], torch.zeros(1, 1, 1, 2, dtype=torch.float64)
        for _ in range(6):
            _, g = value_and_gradient(bumps, at)
            gathered = 0.9 * gathered + g / g.abs().mean()
            direction = gathered.sign() if isinstance(ball, Linf) else gathered / gathered.norm()
            at = ball.project(at + 0.05 * direction, centre[None])
        torch.testing.assert_close(found.images[i], at[0])


def test_fgsm_is_one_step_to_the_sphere_and_bim_travels_a_quarter_more(grey):
    victim = Linear((3, 8, 8))
    one = fgsm(Linf(0.1))(victim, grey)
    torch.testing.assert_close(one.images, grey + 0.1 * victim.w.sign())
    assert one.queries == 2
    attack = bim(Linf(8 / 255), steps=10)
    assert attack.step_size == pytest.approx(1 / 255)  # Kurakin: 1/255, 1.25 * 8 = 10 steps
    assert not attack.random_start
    torch.testing.assert_close(
        attack(victim, grey).images, grey + 8 / 255 * victim.w.sign(), rtol=0, atol=1e-12
    )
    for still in (fgsm(Linf(0.0)), bim(L2(0.0))):
        torch.testing.assert_close(still(victim, grey).images, grey)


def test_no_image_depends_on_its_batch(grey):
    def quadratic(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return -((images - 0.4) ** 2).flatten(1).sum(1)

    attack = PGD(L2(0.5), steps=7, random_start=False)
    x = torch.rand(4, 3, 8, 8, dtype=torch.float64)
    whole = attack(quadratic, x).images
    alone = torch.cat([attack(quadratic, one[None]).images for one in x])
    torch.testing.assert_close(whole, alone)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_last_iterate_comes_without_its_evaluation(momentum):
    """What a training takes: where a call of one restart ends, one evaluation cheaper."""
    seen = []

    def counted(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        seen.append(len(images))
        return bumps(images)

    x = two_dimensional()
    attack = PGD(Linf(0.2), steps=5, momentum=momentum, restarts=3)
    found = attack.last(counted, x, torch.Generator().manual_seed(0))
    assert len(seen) == 5
    assert not found.requires_grad
    alone = PGD(Linf(0.2), steps=5, momentum=momentum)
    assert torch.equal(found, alone(bumps, x, torch.Generator().manual_seed(0)).images)
    told = attack.last(counted, x, start=x + 0.1)
    assert torch.equal(told, alone(bumps, x, start=x + 0.1).images)


def test_same_generator_same_images(grey):
    victim = Linear((3, 8, 8))
    runs = [
        PGD(Linf(0.1), steps=1)(victim, grey, torch.Generator().manual_seed(3)) for _ in range(2)
    ]
    assert torch.equal(runs[0].images, runs[1].images)


@pytest.mark.parametrize(
    "wrong", [{"steps": -1}, {"restarts": 0}, {"step_size": 0.0}, {"momentum": 2.0}]
)
def test_impossible_budgets_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PGD(Linf(0.1), **wrong)
