"""FAB, DeepFool and Carlini & Wagner against decisions whose nearest boundary is known."""

import pytest
import torch
from torch import Tensor

from hardsight.attacks import FAB, L2, CarliniWagner, DeepFool, Linf

G = torch.Generator


class Plane:
    """g(x) = w . (x - 1/2) - b, so g(grey) = -b: fooled beyond a plane b / ||w||_dual away."""

    def __init__(self, b: float, shape: tuple[int, ...] = (3, 6, 6)) -> None:
        self.b = b
        self.w = torch.randn(shape, generator=G().manual_seed(0), dtype=torch.float64)

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return ((images - 0.5) * self.w).flatten(1).sum(1) - self.b


class Outside:
    """g(x) = ||x - c|| - r: fooled outside a disc; from x the way out is r - ||x - c||."""

    centre = torch.tensor([0.5, 0.45], dtype=torch.float64)

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return (images.flatten(1) - self.centre).norm(dim=1) - 0.3


def grey(n: int = 3) -> Tensor:
    return torch.full((n, 3, 6, 6), 0.5, dtype=torch.float64)


@pytest.mark.parametrize(("ball", "dual"), [(Linf(1.0), 1), (L2(50.0), 2)])
@pytest.mark.parametrize("attack", [FAB, DeepFool])
def test_distance_to_a_plane(attack, ball, dual):
    plane = Plane(0.8)
    result = attack(ball, steps=20)(plane, grey())
    assert torch.all(result.objective > 0)
    exact = 0.8 / float(plane.w.norm(dual))
    slack = 1.001 if attack is FAB else 1.021
    distance = ball.distance(result.images, grey())
    assert torch.all(distance >= exact)
    assert torch.all(distance <= slack * exact)


@pytest.mark.parametrize("ball", [Linf(1.0), L2(1.0)])
def test_deepfool_stretches_the_sum_of_its_steps_once(ball):
    """Of one pixel, on a path that flattens: 0.1 from 0.2, and 0.148 from 0.302."""

    def bent(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        x = images.flatten(1).sum(1)
        return torch.where(x < 0.25, 4 * x - 1.2, x - 0.45)

    found = DeepFool(ball)(bent, torch.full((1, 1, 1, 1), 0.2, dtype=torch.float64))
    assert float(found.images) == pytest.approx(0.2 + 1.02 * (0.1 + 0.148), rel=1e-12)
    assert found.objective > 0


def test_carlini_wagner_finds_the_distance_to_a_plane():
    plane, ball = Plane(3.0), L2(50.0)
    result = CarliniWagner(ball, steps=100, searches=6, constant=0.01)(plane, grey(2))
    exact = 3.0 / float(plane.w.norm(2))
    distance = ball.distance(result.images, grey(2))
    assert torch.all(result.objective > 0)
    assert torch.all((distance >= exact) & (distance <= 1.03 * exact))


def test_near_the_bounds_fab_finds_the_way_inside_the_box():
    """Against brute force over a fine grid of the square, on a plane that the box cuts."""
    x = torch.tensor([[0.9, 0.2], [0.6, 0.95], [0.05, 0.5]], dtype=torch.float64)
    w = torch.tensor([1.0, 0.25], dtype=torch.float64)

    def beyond(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return images.flatten(1) @ w - 1.12

    side = torch.linspace(0, 1, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(side, side)
    fooling = grid[grid @ w > 1.12]
    for ball, order in ((Linf(1.0), torch.inf), (L2(2.0), 2.0)):
        nearest = (fooling[None] - x[:, None]).norm(order, dim=2).amin(1)
        result = FAB(ball, steps=30)(beyond, x.view(3, 1, 1, 2))
        distance = ball.distance(result.images, x.view(3, 1, 1, 2))
        assert torch.all(result.objective > 0)
        torch.testing.assert_close(distance, nearest, atol=5e-3, rtol=0)


@pytest.mark.parametrize(
    ("attack", "slack"),
    [
        (FAB(L2(1.0), steps=40), 1.005),
        (DeepFool(L2(1.0)), 1.03),
        (CarliniWagner(L2(1.0), steps=200, searches=6), 1.03),
    ],
)
def test_the_shortest_way_out_of_a_disc(attack, slack):
    x = torch.tensor([[0.55, 0.45], [0.4, 0.6], [0.62, 0.3]], dtype=torch.float64)
    exact = 0.3 - (x - Outside.centre).norm(dim=1)
    result = attack(Outside(), x.view(3, 1, 1, 2))
    distance = attack.ball.distance(result.images, x.view(3, 1, 1, 2))
    assert torch.all(result.objective > 0)
    assert torch.all((distance >= exact) & (distance <= slack * exact))


def test_restarts_find_the_nearer_of_two_boundaries():
    """Fooled below 0.1 and above 0.6; the slope at 0.4 points to the far one."""

    def bands(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        v = images[:, 0, 0, 0]
        return torch.where(v > 0.45, v - 0.6, 0.1 - v)

    x = torch.full((4, 1, 1, 1), 0.4, dtype=torch.float64)
    once = FAB(Linf(1.0), steps=10)(bands, x, G().manual_seed(0))
    often = FAB(Linf(1.0), steps=10, restarts=20)(bands, x, G().manual_seed(0))
    torch.testing.assert_close(once.images, torch.full_like(x, 0.1), atol=2e-3, rtol=0)
    torch.testing.assert_close(often.images, torch.full_like(x, 0.6), atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    "attack", [FAB(L2(0.1), steps=4), DeepFool(L2(0.1)), CarliniWagner(L2(0.1), 4, 2)]
)
def test_results_lie_in_the_ball_and_what_is_fooled_already_stays(attack):
    far, x = Plane(30.0), grey(2)
    result = attack(far, x)
    assert torch.all(attack.ball.distance(result.images, x) <= 0.1 + 1e-12)
    torch.testing.assert_close(result.objective, far(result.images).float())
    torch.testing.assert_close(attack(Plane(-1.0), x).images, x, rtol=0, atol=1e-6)


def test_queries_are_counted():
    calls = 0

    def counted(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        nonlocal calls
        calls += 1
        return Plane(30.0)(images)

    for attack in (FAB(L2(1.0), 5, 2), DeepFool(L2(1.0), 5), CarliniWagner(L2(1.0), 5, 2)):
        calls = 0
        assert attack(counted, grey(1), G().manual_seed(0)).queries == calls


def test_a_start_is_where_the_search_begins():
    """With one linear step from past the far boundary, the way back leads there."""

    def bands(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        v = images[:, 0, 0, 0]
        return torch.where(v > 0.45, v - 0.6, 0.1 - v)

    x = torch.full((1, 1, 1, 1), 0.4, dtype=torch.float64)
    for attack in (FAB(Linf(1.0), steps=10), DeepFool(Linf(1.0)), CarliniWagner(L2(1.0), 60, 6)):
        found = attack(bands, x, start=torch.full_like(x, 0.55)).images
        assert float(found) > 0.6


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: FAB(L2(1.0), steps=0), "steps"),
        (lambda: FAB(L2(1.0), beta=1.0), "beta"),
        (lambda: DeepFool(L2(1.0), overshoot=-0.1), "overshoot"),
        (lambda: CarliniWagner(Linf(0.1)), "is of L2, got Linf.*; take L2"),
        (lambda: CarliniWagner(L2(1.0), searches=0), "searches"),
        (lambda: CarliniWagner(L2(1.0), constant=0.0), "constant"),
    ],
)
def test_impossible_settings_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
