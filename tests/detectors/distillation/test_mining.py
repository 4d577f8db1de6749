"""Hard mining: what is easy, and the gradient there."""

import pytest
import torch

from hardsight.detectors.distillation.distances import cosine_distance
from hardsight.detectors.distillation.mining import HardMining, deviations, highest


def features(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 3, 5, 5, generator=generator)


def test_the_thresholds_move_with_progress():
    d = cosine_distance(features(0), features(1))
    torch.testing.assert_close(deviations(d, 0.0), d.mean() - 3 * d.std())
    torch.testing.assert_close(deviations(d, 1.0), d.mean() + d.std())
    assert highest(d, 0.0) == d.min()
    assert highest(d, 1.0) == d.flatten().sort(descending=True).values[4]  # of 50


@pytest.mark.parametrize("factor", [0.0, 0.1])
def test_the_gradient_is_weaker_where_it_is_easy_and_the_loss_is_not(factor):
    """The loss of whole images has a gradient everywhere; an easy place's is multiplied."""
    a, b = features(0).requires_grad_(), features(1).requires_grad_()
    plain = cosine_distance(a.detach().flatten(1), b.flatten(1)).mean()
    (whole,) = torch.autograd.grad(plain, b)
    mining = HardMining(deviations, factor)
    mining.step += 1
    loss = mining.eval()([a], [b])
    torch.testing.assert_close(loss, plain)
    given, mined = torch.autograd.grad(loss, (a, b), allow_unused=True)
    assert given is None
    d = cosine_distance(a, b)[:, None]
    easy = d < d.mean() + d.std()
    assert easy.any()
    assert not easy.all()
    torch.testing.assert_close(mined, torch.where(easy, factor * whole, whole))


def test_steps_are_counted_in_training_and_saved():
    mining = HardMining(highest, 0.1)
    for _ in range(3):
        mining([features(0)], [features(1)])
    mining.eval()([features(0)], [features(1)])
    again = HardMining(highest, 0.1)
    again.load_state_dict(mining.state_dict())
    assert int(again.step) == 3
