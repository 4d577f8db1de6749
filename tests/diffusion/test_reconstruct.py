import math

import pytest
import torch
from torch import nn

from hardsight.diffusion.base import Denoiser, Prediction
from hardsight.diffusion.gaussian import learned_log_variance, posterior, q_sample
from hardsight.diffusion.reconstruct import arbitrary_shot, full_shot, one_shot
from hardsight.diffusion.schedule import Schedule


class GaussianData(Denoiser):
    """The exact denoiser of images with independent N(m, s^2) pixels."""

    def __init__(self, schedule, m=0.3, s=0.25):
        super().__init__(schedule)
        self.m, self.s = m, s

    def forward(self, x_t, t):
        ab = float(self.schedule.alpha_bar(t))
        gain = math.sqrt(ab) * self.s**2 / (ab * self.s**2 + 1 - ab)
        return self.m + gain * (x_t - math.sqrt(ab) * self.m)

    def spread(self, t):
        """Var(x0 | x_t)."""
        ab = float(self.schedule.alpha_bar(t))
        return self.s**2 * (1 - ab) / (ab * self.s**2 + 1 - ab)

    def predict(self, x_t, t):
        """The exact p(x_{t-1} | x_t): the posterior's variance, plus what is unknown of x0."""
        one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
        weight, variance, _ = posterior(self.schedule, one, 0 * one, t)
        total = variance + weight**2 * self.spread(t)
        return Prediction(self(x_t, t), total.log().expand_as(x_t))


class Small(Denoiser):
    """A smooth nonlinear network with a learned variance."""

    def __init__(self, schedule):
        super().__init__(schedule)
        torch.manual_seed(0)
        self.net = nn.Conv2d(2, 4, 3, padding=1).double()

    def forward(self, x_t, t):
        return self.predict(x_t, t).x0

    def predict(self, x_t, t):
        x0, v = torch.tanh(self.net(x_t)).chunk(2, dim=1)
        return Prediction(x0, learned_log_variance(v, self.schedule, t))


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_one_shot_is_the_posterior_mean():
    schedule = Schedule.linear()
    denoiser = GaussianData(schedule)
    x, noise = normal(2, 3, 4, 4), normal(2, 3, 4, 4, seed=1)
    found = one_shot(denoiser, x, 150, noise)
    # Two Gaussian opinions about x0, weighted by their precision.
    sigma = float(schedule.sigma(150))
    seen, prior = 1 / sigma**2, 1 / 0.25**2
    expected = (seen * (x + sigma * noise) + prior * 0.3) / (seen + prior)
    torch.testing.assert_close(found, expected)


def test_ancestral_sampling_draws_from_the_data():
    """From pure noise to N(m, s^2): each step adds the variance that the true reverse step has."""
    denoiser, n = GaussianData(Schedule.cosine(T=40)), 40_000
    start = torch.zeros(n, 1, 1, 1, dtype=torch.float64)
    found = full_shot(denoiser, start, 40, normal(n, 40, 1, 1, 1))
    # The last step returns E[x0 | x_1]: the data less what x_1 does not tell.
    variance = 0.25**2 - denoiser.spread(1)
    assert float(found.mean()) == pytest.approx(0.3, abs=4 * 0.25 / math.sqrt(n))
    assert float(found.var()) == pytest.approx(variance, rel=4 * math.sqrt(2 / n))


@pytest.mark.parametrize("steps", [(1, 2, 3, 4, 5, 6, 7), (1, 4, 5, 11), (3, 9)])
def test_sampling_with_the_fixed_variance_follows_the_linear_recursion(steps):
    """With a linear denoiser and no learned variance, mean and variance have a closed recursion."""

    class Fixed(GaussianData):
        def predict(self, x_t, t):
            return Prediction(self(x_t, t), None)

    schedule = Schedule.linear(T=12, start=0.02, end=0.3)
    denoiser, n = Fixed(schedule), 50_000
    one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    bars = [float(schedule.alpha_bar(s)) for s in (0, *steps)]
    mean, variance = 0.8 * math.sqrt(bars[-1]), 1 - bars[-1]
    for i in range(len(steps), 0, -1):
        offset = float(denoiser(0 * one, steps[i - 1]))
        gain = float(denoiser(one, steps[i - 1])) - offset
        if i > 1:  # FreeRAD Algorithm 3, line 8, with beta = 1 - ab_i / ab_{i-1}
            before, now = bars[i - 1], bars[i]
            a = math.sqrt(before) * (1 - now / before) / (1 - now)
            b = math.sqrt(now / before) * (1 - before) / (1 - now)
            added = (1 - before) / (1 - now) * (1 - now / before)
            mean = a * (offset + gain * mean) + b * mean
            variance = (a * gain + b) ** 2 * variance + added
        else:
            mean, variance = offset + gain * mean, gain**2 * variance
    start = torch.full((n, 1, 1, 1), 0.8, dtype=torch.float64)
    found = arbitrary_shot(denoiser, start, steps, normal(n, len(steps), 1, 1, 1))
    assert float(found.mean()) == pytest.approx(mean, abs=4 * math.sqrt(variance / n))
    assert float(found.var()) == pytest.approx(variance, rel=4 * math.sqrt(2 / n))


def test_full_shot_by_hand():
    schedule = Schedule.linear(T=8, start=0.02, end=0.3)
    denoiser = Small(schedule)
    x, noise = normal(2, 2, 3, 3), normal(2, 3, 2, 3, 3, seed=1)
    with torch.no_grad():
        x_t = q_sample(schedule, x, 3, noise[:, 0])
        for t, z in ((3, noise[:, 1]), (2, noise[:, 2])):
            x0, log_variance = denoiser.predict(x_t, t)
            x_t = posterior(schedule, x0, x_t, t)[0] + log_variance.exp().sqrt() * z
        expected = denoiser(x_t, 1)
        torch.testing.assert_close(full_shot(denoiser, x, 3, noise), expected)


def test_one_step_is_one_shot():
    denoiser = Small(Schedule.linear())
    x, noise = normal(2, 2, 3, 3), normal(2, 2, 3, 3, seed=1)
    with torch.no_grad():
        assert torch.equal(
            arbitrary_shot(denoiser, x, (70,), noise[:, None]), one_shot(denoiser, x, 70, noise)
        )


def test_gradients_are_exact():
    denoiser = Small(Schedule.linear(T=20, start=0.01, end=0.3))
    x = normal(1, 2, 3, 3).requires_grad_()
    noise = normal(1, 4, 2, 3, 3, seed=1)
    assert torch.autograd.gradcheck(lambda x: one_shot(denoiser, x, 7, noise[:, 0]), x)
    assert torch.autograd.gradcheck(lambda x: arbitrary_shot(denoiser, x, (1, 5, 9, 15), noise), x)


def test_same_noise_same_reconstruction():
    denoiser = Small(Schedule.linear())
    x, noise = normal(2, 2, 3, 3), normal(2, 3, 2, 3, 3, seed=1)
    with torch.no_grad():
        first = arbitrary_shot(denoiser, x, (5, 20, 60), noise)
        assert torch.equal(first, arbitrary_shot(denoiser, x, (5, 20, 60), noise))
        assert not torch.equal(first, arbitrary_shot(denoiser, x, (5, 20, 60), -noise))


def test_bad_noise_and_steps_are_refused():
    denoiser = Small(Schedule.linear())
    x = normal(2, 2, 3, 3)
    with pytest.raises(ValueError, match="noise must have the shape of x"):
        one_shot(denoiser, x, 5, normal(1, 2, 3, 3))
    with pytest.raises(ValueError, match=r"noise must have shape .* \(2, 3, 2, 3, 3\)"):
        full_shot(denoiser, x, 3, normal(2, 2, 2, 3, 3))
    with pytest.raises(ValueError, match="increasing"):
        arbitrary_shot(denoiser, x, (5, 4), normal(2, 2, 2, 3, 3))
    for k in (0, 1001):
        with pytest.raises(ValueError, match=r"t must be in 1\.\.1000"):
            one_shot(denoiser, x, k, x)
