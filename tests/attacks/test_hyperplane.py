import numpy as np
import pytest
import torch
from scipy.optimize import linprog, minimize

from hardsight.attacks import L2, Linf, to_hyperplane


def cases(n: int, d: int, shift: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images, weights with some zeros, and values; pixels at the bounds among them."""
    g = torch.Generator().manual_seed(int(10 * shift))
    x = torch.rand(n, 1, 1, d, generator=g, dtype=torch.float64)
    x = torch.where(x < 0.15, torch.zeros_like(x), torch.where(x > 0.85, torch.ones_like(x), x))
    w = torch.randn(n, 1, 1, d, generator=g, dtype=torch.float64)
    w = torch.where(w.abs() < 0.2, torch.zeros_like(w), w)
    return x, w, shift * torch.randn(n, generator=g, dtype=torch.float64)


def reachable(x, w, value) -> torch.Tensor:
    room = torch.where(w * torch.sign(value).view(-1, 1, 1, 1) < 0, 1 - x, x)
    return (w.abs() * room).flatten(1).sum(1) > value.abs()


@pytest.mark.parametrize("shift", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("ball", [Linf(1.0), L2(1.0)])
def test_nearest_point_agrees_with_scipy(ball, shift):
    x, w, value = cases(12, 7, shift)
    found = to_hyperplane(ball, x, value, w)
    assert found.min() >= 0
    assert found.max() <= 1
    for i in torch.nonzero(reachable(x, w, value)).flatten():
        a, b, v = x[i].flatten().numpy(), w[i].flatten().numpy(), float(value[i])
        assert float(b @ found[i].flatten().numpy()) == pytest.approx(b @ a - v, abs=1e-9)
        if ball.name == "Linf":  # variables z and t, least t with |z - x| <= t
            eye, one = np.eye(7), np.ones((7, 1))
            best = linprog(
                np.r_[np.zeros(7), 1],
                A_ub=np.block([[eye, -one], [-eye, -one]]),
                b_ub=np.r_[a, -a],
                A_eq=np.r_[b, 0][None],
                b_eq=[b @ a - v],
                bounds=[(0, 1)] * 7 + [(0, None)],
            ).fun
        else:
            solved = minimize(
                lambda z, a=a: ((z - a) ** 2).sum(),
                found[i].flatten().numpy() * 0 + a,
                jac=lambda z, a=a: 2 * (z - a),
                method="SLSQP",
                bounds=[(0, 1)] * 7,
                constraints={
                    "type": "eq",
                    "fun": lambda z, a=a, b=b, v=v: b @ (z - a) + v,
                    "jac": lambda z, b=b: b,
                },
                options={"ftol": 1e-14, "maxiter": 500},
            )
            assert solved.success
            best = float(np.sqrt(solved.fun))
        distance = float(ball.distance(found[i][None], x[i][None]))
        assert distance == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("ball", [Linf(1.0), L2(1.0)])
def test_a_plane_outside_the_box_gives_the_corner_nearest_to_it(ball):
    x, w, _ = cases(5, 6, 0.3)
    found = to_hyperplane(ball, x, torch.full((5,), 100.0, dtype=torch.float64), w)
    lowest = torch.where(w > 0, torch.zeros_like(x), torch.where(w < 0, torch.ones_like(x), x))
    torch.testing.assert_close(found, lowest)


@pytest.mark.parametrize(("ball", "dual"), [(Linf(1.0), 1), (L2(1.0), 2)])
def test_away_from_the_bounds_the_distance_is_value_over_dual_norm(ball, dual):
    x = torch.full((4, 3, 5, 5), 0.5)
    w = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    value = torch.tensor([0.1, -0.2, 0.3, 0.0])
    found = to_hyperplane(ball, x, value, w)
    expected = value.abs() / w.flatten(1).norm(dual, dim=1)
    torch.testing.assert_close(ball.distance(found, x), expected, rtol=1e-3, atol=1e-6)


def test_without_a_gradient_nothing_moves():
    x = torch.rand(2, 1, 3, 3)
    for ball in (Linf(1.0), L2(1.0)):
        moved = to_hyperplane(ball, x, torch.tensor([-1.0, 2.0]), torch.zeros_like(x))
        assert torch.equal(moved, x)
