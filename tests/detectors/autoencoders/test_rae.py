import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from tiny_autoencoders import tiny

from hardsight.detectors.autoencoders import RAE
from hardsight.detectors.autoencoders.rae import shrink


def images(n):
    return torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("penalty", [0.1, 0.5, 2.0])
def test_shrinking_minimises_the_penalised_distance(penalty):
    x = torch.randn(3, generator=torch.Generator().manual_seed(0)).double()
    found = shrink(x.view(1, 3, 1, 1), penalty).flatten().numpy()

    def penalised(s):
        return 0.5 * np.square(x.numpy() - s).sum() + penalty * np.linalg.norm(s)

    best = minimize(penalised, x.numpy(), method="Nelder-Mead", options={"xatol": 1e-9})
    np.testing.assert_allclose(found, best.x, atol=1e-4)
    assert penalised(found) <= best.fun + 1e-12


def test_shrinking_leaves_nothing_of_what_is_shorter_than_the_penalty():
    x = torch.tensor([0.3, 0.4, 0.0]).view(1, 3, 1, 1).requires_grad_()
    assert torch.equal(shrink(x, 0.6), torch.zeros(1, 3, 1, 1))
    torch.testing.assert_close(shrink(x, 0.25), x / 2)
    (gradient,) = torch.autograd.grad(shrink(0 * x, 0.1).sum(), x)
    assert torch.equal(gradient, torch.zeros_like(x))  # not NaN, where the length is none


def test_without_rounds_it_is_a_plain_autoencoder():
    detector, x = tiny(RAE, rounds=0), images(2)
    r = detector.autoencoder(x)
    assert torch.equal(detector.reconstruct(x).squeeze(1), r)
    torch.testing.assert_close(detector(x).pred_score, (x - r).square().mean((1, 2, 3)))
    loss = detector.training_loss(x, torch.Generator())
    torch.testing.assert_close(loss, 1.5 * (x - r).square().mean((1, 2, 3)))


def test_a_remainder_takes_what_a_reconstruction_misses_by_more_than_the_penalty():
    detector, x = tiny(RAE, penalty=0.3), images(2)
    regular, sparse = detector.split(x)
    missed = x - detector.autoencoder(x)
    torch.testing.assert_close(regular + sparse, x)
    assert torch.equal(sparse.norm(dim=1) > 0, missed.norm(dim=1) > 0.3)
    assert 0 < (sparse == 0).float().mean() < 1


def test_a_large_penalty_leaves_no_remainder():
    x = images(2)
    assert torch.equal(tiny(RAE, penalty=100.0)(x).pred_score, tiny(RAE, rounds=0)(x).pred_score)


def test_penalty_and_rounds_out_of_range_are_refused():
    with pytest.raises(ValueError, match="need penalty > 0 and rounds >= 0, got 0 and 1"):
        RAE(penalty=0)
    with pytest.raises(ValueError, match=r"got 0\.1 and -1"):
        RAE(rounds=-1)
