import pytest
import torch
from torch import Tensor

from hardsight.attacks import APGD, L2, PGD, Linf, Progressive
from hardsight.attacks.sea import Window

G = torch.Generator


class Linear:
    """s(x) = w . x, and a record of the largest distance it was asked about."""

    def __init__(self, ball, centre: Tensor) -> None:
        self.w = torch.randn(centre.shape[1:], generator=G().manual_seed(0), dtype=centre.dtype)
        self.ball, self.centre, self.radii = ball, centre, []

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        self.radii.append(float(self.ball.distance(images.detach(), self.centre).max()))
        return (images * self.w).flatten(1).sum(1)


def grey() -> Tensor:
    return torch.full((3, 2, 6, 6), 0.5, dtype=torch.float64)


@pytest.mark.parametrize(("ball", "norm"), [(Linf(0.05), 1), (L2(0.2), 2)])
@pytest.mark.parametrize("attack", [PGD, APGD])
def test_linear_victims_are_beaten_to_the_closed_form_inside_the_ball(attack, ball, norm):
    victim = Linear(ball, grey())
    result = Progressive(attack(ball, steps=20))(victim, grey(), G().manual_seed(1))
    gain = victim(result.images) - victim(grey())
    best = ball.eps * victim.w.norm(norm)
    assert torch.all(gain >= 0.999 * best)
    assert torch.all(ball.distance(result.images, grey()) <= ball.eps + 1e-12)
    assert result.queries == len(victim.radii) - 2


def test_a_larger_ball_leads_to_a_hill_that_the_small_one_never_sees():
    """Beyond y = 0.56, outside the small ball, a slope in x leads to the hill from x = 0.53 on."""

    def hill(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        x, y = images.flatten(1).unbind(1)
        return y + 10 * (y - 0.56).relu() * (x - 0.4) + 5 * (x - 0.53).relu()

    x, ball = torch.full((1, 1, 1, 2), 0.5, dtype=torch.float64), Linf(0.05)
    attack = PGD(ball, steps=30, step_size=0.02, random_start=False)
    assert float(attack(hill, x).objective) == pytest.approx(0.55)
    found = Progressive(attack)(hill, x)
    assert float(found.objective) == pytest.approx(0.55 + 5 * 0.02)  # the best of the small ball


def test_radii_shrink_from_two_eps():
    victim = Linear(Linf(0.05), grey())
    Progressive(PGD(Linf(0.05), steps=20))(victim, grey(), G().manual_seed(0))
    stages = victim.radii[:7], victim.radii[7:14], victim.radii[14:]  # 6, 6, 8 steps, judged once
    assert [max(r) for r in stages] == pytest.approx([0.1, 0.075, 0.05])
    assert stages[1][0] == pytest.approx(0.075)  # warm: at the edge from the first


def test_a_scheduled_objective_runs_its_course_once():
    seen = []

    class Course:
        def at(self, fraction: float):
            seen.append(fraction)
            return lambda images, generator=None: images.flatten(1).sum(1)

        def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
            return self.at(1.0)(images)

    Progressive(PGD(Linf(0.1), steps=10, random_start=False))(Course(), grey())
    steps = [round(f, 6) for f in seen]
    assert {round(t / 10, 6) for t in range(10)} <= set(steps)
    assert max(steps) == 1.0


def test_a_window_of_a_plain_objective_is_the_objective():
    x = grey()
    window = Window(lambda images, generator=None: images.flatten(1).sum(1), 0.3, 0.6)
    assert torch.equal(window(x), x.flatten(1).sum(1))
    assert torch.equal(window.at(0.0)(x), x.flatten(1).sum(1))


def test_a_start_is_projected_into_each_ball():
    x, start = grey(), torch.ones_like(grey())
    still = Progressive(PGD(Linf(0.1), steps=3, step_size=1e-9), (2.0, 1.5, 1.0), (1.0, 1.0, 1.0))

    def bright(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return images.flatten(1).sum(1)

    torch.testing.assert_close(still(bright, x, start=start).images, x + 0.1)


def test_l_inf_never_grows_past_the_range_of_a_pixel():
    result = Progressive(PGD(Linf(0.8), steps=6))(Linear(Linf(0.8), grey()), grey())
    assert result.images.min() >= 0
