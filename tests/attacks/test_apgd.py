import math

import pytest
import torch
from analytic_victims import Linear, bumps, grid_best, ill_conditioned, net, two_dimensional

from hardsight.attacks import APGD, L2, PGD, Linf, value_and_gradient
from hardsight.attacks.apgd import checkpoints


def test_checkpoints_are_those_of_the_paper():
    """For 100 steps: 0.22, 0.41, 0.57, 0.70, 0.80, 0.87, 0.93, 0.99."""
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert checkpoints(10) == [3, 5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize("ball", [Linf(8 / 255), Linf(0.3), L2(0.3), L2(4.0)])
def test_linear_victim_is_beaten_to_the_closed_form(ball, grey):
    """Also where many pixels stop at 0 or 1."""
    victim = Linear((3, 8, 8))
    x = torch.rand(4, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    x = torch.full_like(x, 0.5) if grey else x
    result = APGD(ball)(victim, x, torch.Generator().manual_seed(1))
    gain, best = victim(result.images) - victim(x), victim.best_gain(ball, x)
    assert torch.all(gain >= 0.999 * best)
    assert torch.all(gain <= best * (1 + 1e-9))


@pytest.mark.parametrize("victim", [bumps, net])
@pytest.mark.parametrize("ball", [Linf(0.25), L2(0.3)])
def test_restarts_find_what_a_grid_search_finds(victim, ball):
    x = two_dimensional()
    found = APGD(ball, steps=40, restarts=10)(victim, x, torch.Generator().manual_seed(0))
    assert torch.all(victim(found.images) >= 0.99 * grid_best(victim, ball, x))


def literal(objective, ball, centre, steps, rho, alpha):
    """Algorithm 1 line by line, for one image from the centre; returns the best of all iterates."""
    watch = [0, *checkpoints(steps)]
    eta, xs, etas, bests = 2 * ball.eps, [centre], [2 * ball.eps], []

    def f(x):
        return float(objective(x))

    def leap(x, eta):
        _, g = value_and_gradient(objective, x)
        return ball.project(ball.ascend(x, g, eta), centre)

    x1 = leap(centre, eta)
    best = max((centre, x1), key=f)
    xs.append(x1)
    bests, etas = [f(centre), f(best)], [eta, eta]
    rises = [f(x1) > f(centre)]
    for k in range(1, steps):
        if k in watch:
            begun = watch[watch.index(k) - 1]
            few = sum(rises[begun:k]) < rho * (k - begun)
            same = etas[begun] == eta and begun > 0 and bests[begun] == bests[k]
            if few or same:
                eta, xs[k] = eta / 2, best
        etas[k:] = [eta]
        z = leap(xs[k], eta)
        move = xs[k] + alpha * (z - xs[k]) + (1 - alpha) * (xs[k] - xs[k - 1])
        xs.append(ball.project(move, centre))
        rises.append(f(xs[k + 1]) > f(xs[k]))
        best = max((best, xs[k + 1]), key=f)
        bests.append(f(best))
        etas.append(eta)
    return best


@pytest.mark.parametrize("ball", [Linf(0.1), L2(0.4)])
@pytest.mark.parametrize("steps", [7, 30])
def test_each_image_walks_as_the_published_algorithm(ball, steps):
    x = torch.rand(5, 1, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    found = APGD(ball, steps=steps, random_start=False)(ill_conditioned, x)
    alone = torch.cat([literal(ill_conditioned, ball, one[None], steps, 0.75, 0.75) for one in x])
    torch.testing.assert_close(found.images, alone)


def test_not_worse_than_pgd_at_equal_steps_where_scales_differ():
    x = torch.rand(16, 1, 2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    for ball in (Linf(0.2), L2(0.5)):
        g = torch.Generator().manual_seed(0)
        ours = APGD(ball, steps=50)(ill_conditioned, x, g).objective.mean()
        plain = PGD(ball, steps=50)(ill_conditioned, x, g).objective.mean()
        assert ours >= plain


class Log:
    """Linear plus noise, keeping what was asked and answered."""

    def __init__(self) -> None:
        self.victim, self.asked, self.answers = Linear((1, 4, 4)), [], []

    def __call__(self, images, generator=None):
        luck = 5 * torch.randn(len(images), generator=generator, dtype=images.dtype)
        value = self.victim(images) + luck
        self.asked.append(images.detach())
        self.answers.append(value.detach())
        return value


def test_what_is_returned_is_judged_on_fresh_noise_and_once_a_step():
    log, x = Log(), torch.full((6, 1, 4, 4), 0.5, dtype=torch.float64)
    found = APGD(Linf(0.1), steps=20)(log, x, torch.Generator().manual_seed(0))
    assert len(log.asked) == found.queries == 22
    last, best = log.answers[-2:]
    torch.testing.assert_close(found.objective, torch.maximum(last, best).float())
    chosen = torch.where((last >= best).view(-1, 1, 1, 1), log.asked[-2], log.asked[-1])
    assert torch.equal(found.images, chosen)


def test_objectives_that_change_are_followed_and_judged_at_their_end():
    class Course(Linear):
        seen = ()

        def at(self, fraction):
            self.seen = (*self.seen, fraction)
            return Linear((1, 2, 2), seed=1 if fraction == 1 else 0)

    for attack in (APGD, PGD):
        course = Course((1, 2, 2))
        x = torch.full((2, 1, 2, 2), 0.5, dtype=torch.float64)
        found = attack(Linf(0.1), steps=4)(course, x, torch.Generator().manual_seed(0))
        assert sorted(course.seen) == [0, 0.25, 0.5, 0.75, 1]
        torch.testing.assert_close(found.objective, Linear((1, 2, 2), 1)(found.images).float())


def test_starts_and_seeds():
    x = two_dimensional()
    twice = [APGD(Linf(0.1), steps=3)(bumps, x, torch.Generator().manual_seed(1)) for _ in range(2)]
    assert torch.equal(twice[0].images, twice[1].images)
    start = (x + 0.05).clamp(0, 1)
    assert torch.equal(APGD(Linf(0.1), steps=0)(bumps, x, start=start).images, start)
    assert torch.equal(APGD(Linf(0.0), steps=3)(bumps, x).images, x)


@pytest.mark.parametrize(
    "wrong", [{"steps": -1}, {"restarts": 0}, {"rho": 1.5}, {"momentum": 1.0}, {"rho": math.nan}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        APGD(Linf(0.1), **wrong)
