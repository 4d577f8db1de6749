import pytest
import torch
from tiny_autoencoders import tiny

from hardsight.attacks import ScoreObjective, bypassed, value_and_gradient
from hardsight.detectors.autoencoders import APAE
from hardsight.detectors.autoencoders.apae import FLOOR, take_defences
from hardsight.detectors.autoencoders.projection import ApproximateProjection, distance


def images(n, seed=0):
    return torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def settled():
    """A detector with the defences taken from random images."""
    detector = tiny(APAE, steps=5)
    take_defences(detector, (images(20, seed=1) * 255).byte())
    return detector


def test_without_steps_or_weights_it_is_the_plain_autoencoder():
    detector, x = tiny(APAE, steps=0), images(3)
    r = detector.autoencoder(x)
    assert torch.equal(detector.reconstruct(x).squeeze(1), r)
    torch.testing.assert_close(detector(x).pred_score, (x - r).square().mean((1, 2, 3)))
    loss = detector.training_loss(x, torch.Generator())
    torch.testing.assert_close(loss, detector(x).pred_score)


def test_every_step_nears_every_image(settled):
    x = (images(20, seed=1) * 255).byte()[:16] / 255
    decoder = settled.autoencoder.decoder
    path = settled.projection.path(settled.encode(x), x, decoder)
    assert len(path) == 6
    distances = torch.stack([distance(decoder, z, x) for z in path])
    assert (distances.diff(dim=0) < 0).all()


def test_a_linear_decoder_is_descended_as_the_closed_form_says():
    """z <- z - a W^T (W z - x), k times."""
    g = torch.Generator().manual_seed(0)
    w = torch.randn(12, 4, generator=g, dtype=torch.float64)
    z, x = (torch.randn(1, n, 1, 1, generator=g, dtype=torch.float64) for n in (4, 12))

    def decode(latents):
        return (latents.flatten(1) @ w.T).view(-1, 12, 1, 1)

    projection = ApproximateProjection(steps=7).double()
    projection.step_size.fill_(0.02)
    expected = z.flatten()
    for _ in range(7):
        expected = expected - 0.02 * w.T @ (w @ expected - x.flatten())
    torch.testing.assert_close(projection(z, x, decode).flatten(), expected)
    best = torch.linalg.lstsq(w, x.flatten()).solution
    projection.steps = 500
    torch.testing.assert_close(projection(z, x, decode).flatten(), best)


def test_the_largest_power_of_two_that_descends_is_taken():
    """Of |w z - x|^2 / 2 the steps below 2 / w^2 descend."""
    projection = ApproximateProjection(steps=3)
    z, x = torch.ones(2, 1, 1, 1), torch.zeros(2, 1, 1, 1)
    projection.settle(z, x, lambda latents: 3.9 * latents)
    assert float(projection.step_size) == 0.125
    projection.settle(z, x, lambda latents: 4.1 * latents)
    assert float(projection.step_size) == 0.0625


def test_a_decoder_that_ignores_its_latents_is_refused():
    projection = ApproximateProjection(steps=1)
    z, x = torch.ones(2, 1, 1, 1), torch.ones(2, 1, 1, 1)
    with pytest.raises(ValueError, match="no step of the projection nears these images"):
        projection.settle(z, x, lambda latents: 0 * latents)
    with pytest.raises(ValueError, match="steps must be >= 0, got -1"):
        APAE(steps=-1)


def test_the_descent_is_the_same_with_and_without_a_gradient(settled):
    x = images(2)
    with torch.no_grad():
        plain = settled(x).pred_score
    recorded = settled(x.clone().requires_grad_()).pred_score
    torch.testing.assert_close(plain, recorded.detach())  # other kernels, to rounding
    assert not plain.requires_grad


def test_weights_are_inverse_median_errors(settled):
    x = (images(20, seed=1) * 255).byte() / 255
    with torch.no_grad():
        medians = settled.errors(x).median(0).values
    torch.testing.assert_close(settled.weights, 1 / (FLOOR + medians), rtol=1e-4, atol=0)
    weighted = (settled.weights * settled.errors(x[:2])).mean((1, 2, 3))
    torch.testing.assert_close(settled(x[:2]).pred_score, weighted)


def test_going_round_the_descent_misses_what_goes_through_it(settled):
    """The same score, and the gradient of a latent that would not move."""
    x, labels = images(2), torch.zeros(2, dtype=torch.bool)
    objective = ScoreObjective(settled, labels)
    value, exact = value_and_gradient(objective, x)
    name, surrogate = settled.bypass
    with bypassed(settled, name, surrogate):
        same, around = value_and_gradient(objective, x)
    torch.testing.assert_close(value, same)
    assert (exact - around).norm() > 0.01 * exact.norm()
    assert around.norm() > 0
