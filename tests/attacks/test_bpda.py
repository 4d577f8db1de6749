import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hardsight.attacks import BPDA, bypassed, local_mean
from hardsight.diffusion.base import Denoiser, Prediction
from hardsight.diffusion.gaussian import learned_log_variance
from hardsight.diffusion.reconstruct import arbitrary_shot, one_shot
from hardsight.diffusion.schedule import Schedule


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Quantised(nn.Module):
    """Eight bits: a gradient of zero everywhere."""

    def forward(self, x: Tensor) -> Tensor:
        return (x * 255).round() / 255


class Small(Denoiser):
    def __init__(self) -> None:
        super().__init__(Schedule.linear(T=20, start=0.01, end=0.3))
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            self.net = nn.Conv2d(2, 4, 3, padding=1).double()

    def forward(self, x_t, t):
        return self.predict(x_t, t).x0

    def predict(self, x_t, t):
        x0, v = torch.tanh(self.net(x_t)).chunk(2, dim=1)
        return Prediction(x0, learned_log_variance(v, self.schedule, t))


def gradient(function, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    (found,) = torch.autograd.grad(function(x), x)
    return found


def test_value_of_the_module_and_gradient_of_the_identity():
    x = rand(2, 3, 4, 4)
    wrapped = BPDA(Quantised())
    assert torch.equal(wrapped(x), Quantised()(x))
    found = gradient(lambda x: (wrapped(x) ** 2).sum(), x)
    torch.testing.assert_close(found, 2 * Quantised()(x))


def test_gradient_of_a_surrogate():
    x = rand(2, 1, 6, 6)
    wrapped = BPDA(Quantised(), local_mean(3))
    weight = rand(2, 1, 6, 6, seed=1)
    found = gradient(lambda x: (weight * wrapped(x)).sum(), x)
    expected = gradient(lambda x: (weight * local_mean(3)(x)).sum(), x)
    torch.testing.assert_close(found, expected)


def test_local_mean_by_hand():
    x = rand(1, 1, 5, 5)
    smooth = local_mean(3)(x)
    torch.testing.assert_close(smooth[0, 0, 2, 2], x[0, 0, 1:4, 1:4].mean())
    torch.testing.assert_close(smooth[0, 0, 0, 4], x[0, 0, :2, 3:].mean())
    assert torch.equal(local_mean(1)(x), x)


def test_with_the_identity_a_reconstruction_error_has_no_gradient_but_a_low_pass_gives_one():
    """Why BPDA looks weak on reconstruction detectors: ||x - r||^2 with dr/dx = 1."""
    reconstruction = nn.Conv2d(1, 1, 3, padding=1).double()
    x = rand(2, 1, 8, 8)
    identity, low_pass = BPDA(reconstruction), BPDA(reconstruction, local_mean(5))
    for wrapped in (identity, low_pass):
        assert torch.equal(wrapped(x), reconstruction(x))
    assert torch.all(gradient(lambda x: (x - identity(x)).square().sum(), x) == 0)
    found = gradient(lambda x: (x - low_pass(x)).square().sum(), x)
    error = 2 * (x - reconstruction(x)).detach()
    expected = gradient(lambda x: (error * (x - local_mean(5)(x))).sum(), x)
    torch.testing.assert_close(found, expected)
    assert found.abs().min() > 0


def test_a_denoiser_inside_a_detector_is_bypassed_in_every_reconstruction():
    class Detector(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.denoiser = Small()

    detector, x = Detector(), rand(1, 2, 4, 4)
    noise = rand(1, 3, 2, 4, 4, seed=1)
    for run in (
        lambda x: one_shot(detector.denoiser, x, 9, noise[:, 0]),
        lambda x: arbitrary_shot(detector.denoiser, x, (2, 6, 12), noise),
    ):
        plain, exact = run(x), gradient(lambda x: run(x).sum(), x)  # noqa: B023
        with bypassed(detector, "denoiser"):
            assert torch.equal(run(x), plain)
            linear = gradient(lambda x: run(x).sum(), x)  # noqa: B023
        assert linear.std() < 1e-12  # a chain of identities and scales: the same for every pixel
        assert exact.std() > 1e-3
        assert isinstance(detector.denoiser, Small)


def test_only_the_first_field_carries_the_gradient():
    wrapped = BPDA(Small())
    x = rand(1, 2, 4, 4).requires_grad_()
    found = wrapped.predict(x, 3)
    assert isinstance(found, Prediction)
    assert found.x0.requires_grad
    assert not found.log_variance.requires_grad


def test_shapes_and_types_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"\(1, 1, 2, 2\)"):
        BPDA(Quantised(), lambda x: F.avg_pool2d(x, 2))(rand(1, 1, 4, 4))
    with pytest.raises(ValueError, match="size"):
        local_mean(4)

    class Words(nn.Module):
        def forward(self, x: Tensor) -> str:
            return "fine"

    with pytest.raises(TypeError, match="got str"):
        BPDA(Words())(rand(1, 1, 2, 2))
