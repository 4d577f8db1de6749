"""Radius 0, one image, one channel, non-square images, and other edges, on a linear victim.

Its best attack is known: eps ||w||_1 in L-inf and eps ||w||_2 in L2, away from black and white.
"""

import numpy as np
import pytest
import torch
from analytic_victims import Linear

from hardsight.attacks import (
    A3,
    APGD,
    FAB,
    L2,
    PGD,
    CarliniWagner,
    Composite,
    DeepFool,
    Linf,
    Progressive,
    Square,
)

SHAPES = [(1, 1, 1), (1, 1, 5), (1, 7, 4), (3, 5, 5), (3, 4, 9), (4, 6, 6)]


def ascents(ball):
    return {
        "pgd": PGD(ball, 40, restarts=2),
        "apgd": APGD(ball, 40, restarts=2),
        "sea": Progressive(APGD(ball, 60)),
        "composite": Composite((PGD(ball, 20), APGD(ball, 40))),
        "a3": A3(PGD(ball, 40), 2, discard=0),
    }


def all_attacks(ball):
    minimal = {"fab": FAB(ball, 3, restarts=2), "deepfool": DeepFool(ball, 3)}
    if isinstance(ball, L2):
        minimal["carlini-wagner"] = CarliniWagner(ball, 3, 2)
    return ascents(ball) | minimal | {"square": Square(ball, 30), "square-3": Square(ball, 3)}


def grey(shape, count=1):
    g = torch.Generator().manual_seed(0)
    return 0.4 + 0.2 * torch.rand(count, *shape, generator=g, dtype=torch.float64)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("ball", [Linf(0.1), L2(0.1)], ids=str)
def test_ascents_reach_the_closed_form_whatever_the_shape(ball, shape, count):
    victim, x = Linear(shape), grey(shape, count)
    best = victim.best_gain(ball, x)
    for name, attack in ascents(ball).items():
        found = attack(victim, x, torch.Generator().manual_seed(0)).images
        gain = victim(found) - victim(x)
        torch.testing.assert_close(gain, best, rtol=2e-3, atol=0, msg=name)


@pytest.mark.parametrize("ball", [Linf(0.0), L2(0.0)], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_radius_0_changes_nothing(ball, shape):
    victim = Linear(shape)
    for x in (grey(shape, 2), torch.zeros(1, *shape).double(), torch.ones(1, *shape).double()):
        for name, attack in all_attacks(ball).items():
            found = attack(victim, x, torch.Generator().manual_seed(0))
            assert torch.equal(found.images, x), name
            assert torch.equal(found.objective, victim(x).float()), name


def flat(images, generator=None):
    """No attack can raise it: its gradient is zero."""
    return images.flatten(1).sum(1) * 0


@pytest.mark.parametrize("ball", [Linf(0.1), L2(0.5)], ids=str)
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_no_slope_and_the_ends_of_the_range_make_no_nan(ball, value):
    x = torch.full((2, 3, 4, 6), value)
    for name, attack in all_attacks(ball).items():
        found = attack(flat, x, torch.Generator().manual_seed(0))
        assert bool(found.images.isfinite().all()), name
        assert float(ball.distance(found.images, x).max()) <= ball.eps + 1e-6, name
        assert float(found.images.min()) >= 0, name
        assert float(found.images.max()) <= 1, name


@pytest.mark.parametrize("ball", [Linf(0.1), L2(0.5)], ids=str)
def test_the_memory_format_changes_nothing(ball):
    shape = (3, 4, 6)
    victim, x = Linear(shape), grey(shape, 2)
    for name, attack in all_attacks(ball).items():
        rows, last, spread = (
            attack(victim, images, torch.Generator().manual_seed(0)).images
            for images in (
                x,
                x.to(memory_format=torch.channels_last),
                x.repeat_interleave(2, dim=3)[..., ::2],
            )
        )
        torch.testing.assert_close(last, rows, rtol=0, atol=1e-12, msg=name)
        torch.testing.assert_close(spread, rows, rtol=0, atol=1e-12, msg=name)


def test_a_radius_may_be_any_real_number():
    assert Linf(np.float32(0.5)) == Linf(0.5)
    with pytest.raises(ValueError, match=r"finite number .* parse_radius reads a text"):
        Linf("8/255")
