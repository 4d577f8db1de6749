import numpy as np
import pytest
import torch
from gaussian_mixture import Mixture
from scipy.stats import multivariate_normal

MIXTURE = Mixture.rings(spread=0.06)
POINTS = torch.rand(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_density_by_scipy():
    for sigma in (0.0, 0.1):
        variance = MIXTURE.spread**2 + sigma**2
        parts = [
            multivariate_normal(m, variance * np.eye(2)).pdf(POINTS.numpy())
            for m in MIXTURE.means.numpy()
        ]
        expected = np.log(np.mean(parts, axis=0))
        np.testing.assert_allclose(MIXTURE.log_density(POINTS, sigma), expected, rtol=1e-10)


def test_score_is_the_gradient_of_the_density():
    x = POINTS.clone().requires_grad_()
    (expected,) = torch.autograd.grad(MIXTURE.log_density(x, 0.05).sum(), x)
    torch.testing.assert_close(MIXTURE.score(POINTS, 0.05), expected)


def test_the_denoiser_is_the_mean_of_the_posterior_by_quadrature():
    """E[x | y] = integral of x p(x) N(y; x, sigma^2) over a fine grid."""
    sigma, axis = 0.08, torch.linspace(-0.3, 1.3, 321, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    density = MIXTURE.log_density(grid).exp()
    for y in POINTS[:10]:
        weight = density * (-(grid - y).square().sum(1) / (2 * sigma**2)).exp()
        expected = (weight[:, None] * grid).sum(0) / weight.sum()
        torch.testing.assert_close(MIXTURE.denoise(y[None], sigma)[0], expected, rtol=0, atol=1e-6)


def test_samples_and_classes():
    x, y = MIXTURE.sample(4000, torch.Generator().manual_seed(0))
    again, _ = MIXTURE.sample(4000, torch.Generator().manual_seed(0))
    assert torch.equal(x, again)
    assert float(MIXTURE.classify(x).argmax(1).eq(y).double().mean()) > 0.85
    nearest = torch.cdist(x, MIXTURE.means).argmin(1)
    assert float(MIXTURE.classes[nearest].eq(y).double().mean()) > 0.85
    torch.testing.assert_close(MIXTURE.classify(x).exp().sum(1), torch.ones(4000).double())
    with pytest.raises(ValueError, match="spread must be positive"):
        Mixture.rings(spread=0.0)
