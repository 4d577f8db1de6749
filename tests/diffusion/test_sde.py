import math

import pytest
import torch
from exact_denoisers import GaussianData, Smooth, normal
from gaussian_mixture import Mixture, MixtureDenoiser

from hardsight.diffusion.gaussian import q_sample
from hardsight.diffusion.schedule import Schedule
from hardsight.diffusion.sde import adjoint_sde, reverse_sde


def test_gaussian_data_follow_the_linear_recursion():
    """With an exact, linear score each Euler step maps mean and variance in closed form."""
    schedule, n, m, s = Schedule.linear(), 40_000, 0.3, 0.25
    steps = range(5, 101, 5)
    bars = [float(schedule.alpha_bar(t)) for t in (0, *steps)]
    mean, variance = math.sqrt(bars[-1]) * 0.8, 1 - bars[-1]
    for before, ab in zip(bars[-2::-1], bars[:0:-1], strict=True):
        h, v = math.log(before / ab), ab * s**2 + 1 - ab
        gain = 1 + h * (0.5 - 1 / v)  # the score is -(x - sqrt(ab) m) / v
        mean = gain * mean + h * math.sqrt(ab) * m / v
        variance = gain**2 * variance + h
    x = torch.full((n, 1, 1, 1), 0.8, dtype=torch.float64)
    found = reverse_sde(GaussianData(schedule, m, s), x, steps, normal(n, 21, 1, 1, 1))
    assert float(found.mean()) == pytest.approx(mean, abs=4 * math.sqrt(variance / n))
    assert float(found.var()) == pytest.approx(variance, rel=4 * math.sqrt(2 / n))


def test_fine_steps_sample_the_posterior():
    """What the continuous SDE returns given x: N(m, s^2) seen through the noise at t*."""
    schedule, n, m, s = Schedule.linear(), 20_000, 0.3, 0.25
    x = torch.full((n, 1, 1, 1), 0.8, dtype=torch.float64)
    found = reverse_sde(GaussianData(schedule, m, s), x, range(1, 101), normal(n, 101, 1, 1, 1))
    noise = float(schedule.sigma(100)) ** 2
    share = s**2 / (s**2 + noise)  # of the noisy image in the mean of the posterior
    variance = share**2 * noise + share * noise
    assert float(found.mean()) == pytest.approx(m + share * (0.8 - m), abs=0.01)
    assert float(found.var()) == pytest.approx(variance, rel=0.05)


def test_gradient_is_exact():
    denoiser = Smooth(Schedule.linear(T=20, start=0.01, end=0.3), width=4)
    x, noise = normal(1, 2, 3, 3).requires_grad_(), normal(1, 4, 2, 3, 3, seed=1)
    assert torch.autograd.gradcheck(lambda x: reverse_sde(denoiser, x, (2, 5, 9), noise), x)


def gradients(steps):
    denoiser = MixtureDenoiser(Mixture.rings(spread=0.12), Schedule.linear())
    x, noise = 0.5 * normal(8, 1, 1, 2), normal(8, len(steps) + 1, 1, 1, 2, seed=1)
    found = []
    for solve in (reverse_sde, adjoint_sde):
        start = x.clone().requires_grad_()
        value = solve(denoiser, start, steps, noise)
        (gradient,) = torch.autograd.grad((value**2).sum(), start)
        found.append((value.detach(), gradient))
    return found


def test_the_adjoint_has_the_same_value_and_another_gradient():
    """Its error falls with the step, and is not zero: that is why it is a diagnostic."""
    errors = []
    for stride in (20, 4):
        (value, exact), (same, adjoint) = gradients(range(stride, 101, stride))
        assert torch.equal(value, same)
        errors.append(float((adjoint - exact).norm() / exact.norm()))
    assert 1e-3 < errors[1] < 0.5 * errors[0]


def test_the_adjoint_needs_no_more_memory_for_more_steps():
    def kept(steps) -> int:
        sizes = []
        x, noise = normal(1, 2, 8, 8).requires_grad_(), normal(1, len(steps) + 1, 2, 8, 8, seed=1)
        denoiser = Smooth(Schedule.linear()).requires_grad_(False)
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t: sizes.append(0 if t.shape == noise.shape else t.nbytes) or t, lambda t: t
        ):
            adjoint_sde(denoiser, x, steps, noise)
        return sum(sizes)

    assert kept(range(1, 41)) == kept(range(1, 5))


def test_bad_noise_is_refused():
    x = normal(2, 2, 3, 3)
    with pytest.raises(ValueError, match=r"noise must have shape .* \(2, 4, 2, 3, 3\)"):
        reverse_sde(Smooth(Schedule.linear()), x, (1, 2, 3), normal(2, 3, 2, 3, 3))


def test_the_first_noise_diffuses():
    schedule = Schedule.linear()
    x, noise = normal(2, 2, 3, 3), normal(2, 2, 2, 3, 3, seed=1)
    denoiser = Smooth(schedule)
    with torch.no_grad():
        x_t = q_sample(schedule, x, 30, noise[:, 0])
        ab = float(schedule.alpha_bar(30))
        score = (math.sqrt(ab) * denoiser(x_t, 30) - x_t) / (1 - ab)
        h = -math.log(ab)
        expected = x_t + h * (x_t / 2 + score) + math.sqrt(h) * noise[:, 1]
        torch.testing.assert_close(reverse_sde(denoiser, x, (30,), noise), expected)
