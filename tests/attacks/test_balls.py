import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from hardsight.attacks import L2, Linf, build_ball, parse_radius


def batch(seed: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.empty(3, 3, 6, 6).uniform_(low, high, generator=g)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), eps=st.floats(0, 1), ball=st.sampled_from([Linf, L2]))
def test_projection_lies_in_the_ball_and_in_range_and_is_idempotent(seed, eps, ball):
    b, centre, x = ball(eps), batch(seed), batch(seed + 1, -1, 2)
    p = b.project(x, centre)
    assert p.min() >= 0
    assert p.max() <= 1
    assert torch.all(b.distance(p, centre) <= eps + 1e-6)
    torch.testing.assert_close(b.project(p, centre), p, atol=1e-6, rtol=0)
    start = b.random_start(centre, torch.Generator().manual_seed(seed))
    assert torch.all(b.distance(start, centre) <= eps + 1e-6)
    assert start.min() >= 0
    assert start.max() <= 1


def test_points_inside_stay():
    centre = batch(0, 0.4, 0.6)
    x = centre + 0.01
    for ball in (Linf(0.02), L2(10.0)):
        torch.testing.assert_close(ball.project(x, centre), x)


def test_l2_projection_is_the_nearest_point():
    """Of all points of the sphere, the projected one is nearest: brute force in two dimensions."""
    centre = torch.full((1, 1, 1, 2), 0.5)
    x = torch.tensor([[[[0.9, 0.7]]]])
    p = L2(0.2).project(x, centre)
    angles = torch.linspace(0, 2 * math.pi, 20001)
    ring = 0.5 + 0.2 * torch.stack([angles.cos(), angles.sin()], 1)
    nearest = ring[(ring - x.flatten()).norm(dim=1).argmin()]
    torch.testing.assert_close(p.flatten(), nearest, atol=1e-4, rtol=0)


@pytest.mark.parametrize("eps", [0.1, 0.4, 0.8, 1.3])
def test_l2_projection_is_the_nearest_point_of_ball_and_range_together(eps):
    """Where pixels stop at 0 or 1, against a general solver."""
    g = torch.Generator().manual_seed(7)
    centre = torch.rand(6, 1, 2, 3, dtype=torch.float64, generator=g)
    x = 4 * torch.rand(6, 1, 2, 3, dtype=torch.float64, generator=g) - 1.5
    found = L2(eps).project(x, centre)
    for p, y, c in zip(*(v.flatten(1).numpy() for v in (found, x, centre)), strict=True):
        solved = minimize(
            lambda v, y=y: ((v - y) ** 2).sum(),
            c,
            jac=lambda v, y=y: 2 * (v - y),
            bounds=[(0, 1)] * 6,
            constraints={"type": "ineq", "fun": lambda v, c=c: eps**2 - ((v - c) ** 2).sum()},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        )
        assert abs(p - solved.x).max() < 1e-6


def test_a_step_size_per_image():
    x, g = batch(1), batch(2, -1, 1)
    sizes = torch.tensor([0.1, 0.0, 0.3])
    for ball in (Linf(1.0), L2(1.0)):
        together = ball.ascend(x, g, sizes.view(3, 1, 1, 1))
        for i, size in enumerate(sizes.tolist()):
            torch.testing.assert_close(
                together[i], ball.ascend(x[i : i + 1], g[i : i + 1], size)[0]
            )


def test_ascent_is_the_steepest_of_its_norm():
    """Among steps of the same length none gains more on a linear function."""
    x, g = batch(1), batch(2, -1, 1)
    for ball, dual in ((Linf(1.0), 1), (L2(1.0), 2)):
        gain = ((ball.ascend(x, g, 0.1) - x) * g).flatten(1).sum(1)
        torch.testing.assert_close(gain, 0.1 * g.flatten(1).norm(dual, dim=1))


def test_zero_gradient_is_no_step_and_no_nan():
    x = batch(0)
    for ball in (Linf(0.1), L2(0.1)):
        assert torch.equal(ball.ascend(x, torch.zeros_like(x), 0.1), x)


@pytest.mark.parametrize("size", [1e-20, 1e-25, 1e-30, 1e-36])
def test_a_step_is_as_long_as_told_where_the_gradient_nearly_vanishes(size):
    """Squares of such entries are zero in single precision; those of double precision are not."""
    x, g = torch.zeros(3, 3, 6, 6), batch(3, -1, 1)
    step = L2(1.0).ascend(x, size * g, 0.1)
    torch.testing.assert_close(L2(1.0).distance(step, x), torch.full((3,), 0.1))
    wide = L2(1.0).ascend(x.double(), (size * g).double(), 0.1)
    torch.testing.assert_close(step, wide.float(), rtol=1e-3, atol=1e-6)


def test_l2_starts_fill_the_ball_uniformly():
    """In d dimensions a uniform radius has P(r <= u eps) = u^d."""
    centre = torch.full((4000, 1, 1, 2), 0.5)
    start = L2(0.2).random_start(centre, torch.Generator().manual_seed(0))
    share = (L2(0.2).distance(start, centre) <= 0.1).float().mean()
    assert abs(float(share) - 0.25) < 0.03


@pytest.mark.parametrize("eps", [2.0, 10.0, 20.0])
def test_l2_projection_of_what_lies_outside_spends_the_whole_radius(eps):
    """However many pixels stop at 0 or 1; the others keep their direction."""
    g = torch.Generator().manual_seed(3)
    centre = torch.rand(2, 3, 32, 32, dtype=torch.float64, generator=g)
    offset = torch.randn(2, 3, 32, 32, dtype=torch.float64, generator=g)
    found = L2(eps).project(centre + offset, centre)
    moved = (found - centre).flatten(1)
    torch.testing.assert_close(moved.norm(dim=1), torch.full((2,), eps).double(), rtol=1e-6, atol=0)
    for share, p in zip(moved / offset.flatten(1), found.flatten(1), strict=True):
        free = share[(p > 0) & (p < 1)]
        torch.testing.assert_close(free, free.max().expand_as(free))


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("8/255", 8 / 255), ("0.03", 0.03), (0.5, 0.5), ("1", 1)]
)
def test_radii_as_people_write_them(text, value):
    assert parse_radius(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["eight", "8/", "/255", "-1", "nan", "1/0", ""])
def test_unreadable_radii_are_named(text):
    if text == "8/":
        assert parse_radius(text) == 8  # a bare 8; too large for L-inf, see below
        return
    with pytest.raises(ValueError, match="eps="):
        parse_radius(text)


def test_eps_of_eight_gets_the_way_out():
    for whole in ("8", "255"):
        with pytest.raises(ValueError, match=f"did you mean {whole}/255"):
            build_ball("linf", whole)
    with pytest.raises(ValueError, match=r"eps=300 is more .*; take less, as 8/255$"):
        build_ball("linf", "300")
    with pytest.raises(ValueError, match=r"eps=1\.17647 is more .*; take less, as 8/255$"):
        build_ball("linf", "300/255")
    with pytest.raises(ValueError, match="Linf, L2"):
        build_ball("l3", "0.1")
