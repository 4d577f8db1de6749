import torch

from hardsight.detectors.advrad.fixed_reconstruction import attack_fixed_reconstruction


def test_nothing_in_reach_is_worse_for_the_error_of_a_fixed_reconstruction():
    """Of normal images no perturbation leaves more of it, of anomalous ones none leaves less."""
    g = torch.Generator().manual_seed(0)
    x, r = torch.rand(4, 3, 8, 8, generator=g), torch.rand(4, 2, 3, 8, 8, generator=g)
    labels, eps = torch.tensor([False, True, False, True]), 0.1
    moved = attack_fixed_reconstruction(x, r, labels, eps)
    assert (moved - x).abs().max() <= eps + 1e-6
    assert moved.min() >= 0
    assert moved.max() <= 1
    left = (moved - r.mean(1)).abs()
    for _ in range(200):
        d = eps * (2 * torch.rand(x.shape, generator=g) - 1).sign() * torch.rand((), generator=g)
        other = ((x + d).clamp(0, 1) - r.mean(1)).abs()
        reach = (x > eps) & (x < 1 - eps)  # elsewhere the other way may be the longer one
        assert (left >= other - 1e-6)[~labels][reach[~labels]].all()
        assert (left <= other + 1e-6)[labels].all()


def test_a_defect_within_reach_is_removed():
    r = torch.full((1, 1, 3, 4, 4), 0.5)
    x = r[:, 0] + 0.08
    labels = torch.tensor([True])
    torch.testing.assert_close(attack_fixed_reconstruction(x, r, labels, 0.1), r[:, 0])
    torch.testing.assert_close(attack_fixed_reconstruction(x, r, labels, 0.03), r[:, 0] + 0.05)
