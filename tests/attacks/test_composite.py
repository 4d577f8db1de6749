import pytest
import torch
from torch import Tensor

from hardsight.attacks import L2, PGD, Composite, Linf

G = torch.Generator
BALL = Linf(0.1)


def bright(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
    return images.flatten(1).sum(1)


def grey() -> Tensor:
    return torch.full((2, 1, 4, 4), 0.5, dtype=torch.float64)


def test_each_attack_goes_on_where_the_last_one_stopped():
    step = PGD(BALL, steps=1, step_size=0.03, random_start=False)
    chain = Composite((step, step, step))
    torch.testing.assert_close(chain(bright, grey()).images, grey() + 0.09)
    assert torch.all(BALL.distance(Composite((step,) * 6)(bright, grey()).images, grey()) <= 0.1)
    assert chain(bright, grey()).queries == 6


def test_a_worse_attack_changes_nothing():
    class Back:
        ball = BALL

        def __call__(self, objective, images, generator=None, start=None):
            return PGD(BALL, steps=0, random_start=False)(objective, images - 0.05)

    step = PGD(BALL, steps=1, step_size=0.03, random_start=False)
    result = Composite((step, Back()))(bright, grey())
    torch.testing.assert_close(result.images, grey() + 0.03)
    torch.testing.assert_close(result.objective, bright(result.images).float())


def test_chains_nest_and_take_a_start():
    step = PGD(BALL, steps=1, step_size=0.03, random_start=False)
    chain = Composite((Composite((step, step)), step))
    assert chain.ball == BALL
    result = chain(bright, grey(), start=grey() - 0.05)
    torch.testing.assert_close(result.images, grey() + 0.04)


def test_a_different_order_can_reach_what_either_alone_does_not():
    """A bump that long steps jump over: long steps first, then short ones on its slope."""

    def bump(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        v = images[:, 0, 0, 0]
        return v - 3 * (v - 0.58).abs()

    x = torch.full((1, 1, 1, 1), 0.5, dtype=torch.float64)
    long = PGD(BALL, steps=1, step_size=0.07, random_start=False)
    short = PGD(BALL, steps=2, step_size=0.005, random_start=False)
    chained = Composite((long, short))(bump, x).objective
    assert chained > long(bump, x).objective
    assert chained > short(bump, x).objective
    assert float(chained) == pytest.approx(0.58)


def test_chains_without_links_or_with_two_balls_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        Composite(())
    with pytest.raises(ValueError, match="share one ball"):
        Composite((PGD(BALL), PGD(L2(0.1))))
