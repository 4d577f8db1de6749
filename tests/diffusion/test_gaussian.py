import math

import pytest
import torch
from scipy import stats
from torch.distributions import Normal, kl_divergence

from hardsight.diffusion.gaussian import (
    hybrid_loss,
    learned_log_variance,
    log_variance_range,
    posterior,
    q_sample,
    respaced_log_variance,
    vb_term,
    x0_from_eps,
)
from hardsight.diffusion.schedule import Schedule

SCHEDULE = Schedule.linear()


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_q_sample_moments():
    x0 = torch.full((200_000, 1, 1, 1), 0.7, dtype=torch.float64)
    x_t = q_sample(SCHEDULE, x0, 300, normal(200_000, 1, 1, 1))
    ab = float(SCHEDULE.alpha_bar(300))
    assert float(x_t.mean()) == pytest.approx(0.7 * math.sqrt(ab), abs=4 / math.sqrt(200_000))
    assert float(x_t.var()) == pytest.approx(1 - ab, rel=0.02)


def test_q_sample_is_the_chain_of_single_steps():
    """Composing q(x_t | x_{t-1}) multiplies the means and adds the variances."""
    scale, variance = 1.0, 0.0
    for t in range(1, 41):
        beta = float(SCHEDULE.beta(t))
        scale, variance = scale * math.sqrt(1 - beta), variance * (1 - beta) + beta
    one, zero = torch.ones(1, 1, 1, 1, dtype=torch.float64), torch.zeros(1, 1, 1, 1).double()
    assert float(q_sample(SCHEDULE, one, 40, zero)) == pytest.approx(scale, rel=1e-12)
    assert float(q_sample(SCHEDULE, zero, 40, one)) == pytest.approx(math.sqrt(variance), rel=1e-9)


def test_a_vector_t_is_one_t_per_image():
    x, noise, t = normal(3, 2, 4, 4), normal(3, 2, 4, 4, seed=1), torch.tensor([1, 500, 1000])
    whole = posterior(SCHEDULE, x, noise, t)
    for i in range(3):
        single = posterior(SCHEDULE, x[i : i + 1], noise[i : i + 1], int(t[i]))
        for a, b in zip(whole, single, strict=True):
            assert torch.equal(a[i : i + 1], b)


@pytest.mark.parametrize("t", [1, 2, 100, 1000])
def test_the_true_noise_gives_the_image_back(t):
    x0, noise = normal(2, 3, 4, 4), normal(2, 3, 4, 4, seed=1)
    x_t = q_sample(SCHEDULE, x0, t, noise)
    torch.testing.assert_close(x0_from_eps(SCHEDULE, x_t, t, noise), x0)


@pytest.mark.parametrize("t", [2, 3, 250, 1000])
def test_posterior_is_bayes_rule(t):
    """q(x_{t-1} | x_t, x0) as the product of two Gaussians in x_{t-1}."""
    x0, x_t = normal(2, 1, 3, 3), normal(2, 1, 3, 3, seed=1)
    beta, before = float(SCHEDULE.beta(t)), float(SCHEDULE.alpha_bar(t - 1))
    precision = 1 / (1 - before) + (1 - beta) / beta
    centre = (math.sqrt(before) * x0 / (1 - before) + math.sqrt(1 - beta) * x_t / beta) / precision
    mean, variance, log_variance = posterior(SCHEDULE, x0, x_t, t)
    torch.testing.assert_close(mean, centre, rtol=1e-9, atol=1e-12)
    assert float(variance) == pytest.approx(1 / precision, rel=1e-9)
    assert float(log_variance) == pytest.approx(math.log(1 / precision), rel=1e-9)


def test_posterior_of_the_first_step_is_x0_with_a_finite_log_variance():
    x0 = normal(2, 1, 3, 3)
    mean, variance, log_variance = posterior(SCHEDULE, x0, normal(2, 1, 3, 3, seed=1), 1)
    torch.testing.assert_close(mean, x0)
    assert float(variance) == 0
    assert float(log_variance) == float(posterior(SCHEDULE, x0, x0, 2)[2])
    single = Schedule.linear(T=1, start=0.3)
    assert float(posterior(single, x0, x0, 1)[2]) == pytest.approx(math.log(0.3))


def test_learned_log_variance_endpoints():
    t = torch.tensor([1, 2, 500, 1000])
    one = torch.ones(4, 3, 2, 2, dtype=torch.float64)
    _, variance, clipped = posterior(SCHEDULE, one, one, t)
    high = learned_log_variance(one, SCHEDULE, t)
    low = learned_log_variance(-one, SCHEDULE, t)
    torch.testing.assert_close(high[:, 0, 0, 0], SCHEDULE.beta(t).log())
    torch.testing.assert_close(low, clipped.expand_as(low))
    torch.testing.assert_close(low[1:, 0, 0, 0].exp(), variance[1:, 0, 0, 0])
    torch.testing.assert_close(learned_log_variance(0 * one, SCHEDULE, t), (high + low) / 2)


@pytest.mark.parametrize("i", [2, 3, 4])
def test_respaced_log_variance_is_the_same_position_between_other_ends(i):
    steps = (5, 60, 300, 1000)
    spaced = SCHEDULE.respace(steps)
    v = normal(2, 3, 4, 4)
    t = steps[i - 1]
    found = respaced_log_variance(learned_log_variance(v, SCHEDULE, t), SCHEDULE, t, spaced, i)
    torch.testing.assert_close(found, learned_log_variance(v, spaced, i), rtol=1e-6, atol=1e-8)
    low, high = log_variance_range(spaced, i)
    assert float(high) > float(low)


def test_vb_term_is_the_kl_divergence():
    t = torch.tensor([2, 40, 700, 1000])
    x0, noise = normal(4, 2, 3, 3).clamp(-1, 1), normal(4, 2, 3, 3, seed=1)
    x_t = q_sample(SCHEDULE, x0, t, noise)
    mean, log_variance = normal(4, 2, 3, 3, seed=2), normal(4, 2, 3, 3, seed=3) - 4
    true_mean, variance, _ = posterior(SCHEDULE, x0, x_t, t)
    q = Normal(true_mean, variance.sqrt().expand_as(true_mean))
    expected = kl_divergence(q, Normal(mean, (log_variance / 2).exp()))
    found = vb_term(SCHEDULE, x0, x_t, t, mean, log_variance)
    torch.testing.assert_close(found, expected.mean((1, 2, 3)) / math.log(2))


@pytest.mark.parametrize("offset", [-0.5, -0.004, 0.0, 0.03, 0.5])
def test_vb_term_of_the_first_step_is_the_likelihood_of_the_bin(offset):
    grey = torch.arange(256, dtype=torch.float64).reshape(256, 1, 1, 1)
    x0 = grey / 127.5 - 1
    mean, std = x0 + offset, 0.02
    upper = torch.where(grey == 255, torch.inf, x0 + 1 / 255)
    lower = torch.where(grey == 0, -torch.inf, x0 - 1 / 255)
    # Probabilities from the tail on the bin's own side, where scipy keeps its digits.
    q = stats.norm(mean.numpy(), std)
    probability = q.cdf(upper) - q.cdf(lower) if offset > 0 else q.sf(lower) - q.sf(upper)
    expected = -torch.from_numpy(probability).log2().flatten()
    t = torch.ones(256, dtype=torch.long)
    log_variance = torch.full_like(x0, 2 * math.log(std))
    found = vb_term(SCHEDULE, x0, x0, t, mean, log_variance)
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-9)


def test_probabilities_of_all_grey_levels_sum_to_one():
    x0 = (torch.arange(256, dtype=torch.float64) / 127.5 - 1).reshape(256, 1, 1, 1)
    mean = torch.full_like(x0, 0.9)
    log_variance = torch.full_like(x0, 2 * math.log(0.1))
    t = torch.ones(256, dtype=torch.long)
    bits = vb_term(SCHEDULE, x0, x0, t, mean, log_variance)
    assert float((2**-bits).sum()) == pytest.approx(1, abs=1e-12)


def test_bound_of_gaussian_data_is_its_entropy():
    """With the exact reverse process the sum of the terms is the entropy of the data.

    For x ~ N(m, s^2): sum_t E[L_t] + E[KL(q(x_T | x0) || N(0, 1))] = H(x) + KL(q(x_T) || N(0, 1)),
    and a bin of width 2/255 adds log(255/2) nats to the density's entropy.
    """
    m, s, n = 0.1, 0.2, 100_000
    schedule = Schedule.linear(T=20, start=0.01, end=0.4)
    x0 = m + s * normal(n, 1, 1, 1)
    total = 0.0
    for t in range(1, 21):
        x_t = q_sample(schedule, x0, t, normal(n, 1, 1, 1, seed=t))
        a, b = float(schedule.alpha_bar(t)), float(schedule.alpha_bar(t - 1))
        marginal, before = a * s**2 + 1 - a, b * s**2 + 1 - b
        step = math.sqrt(1 - float(schedule.beta(t)))
        gain = step * before / marginal
        mean = math.sqrt(b) * m + gain * (x_t - math.sqrt(a) * m)
        variance = before - gain * step * before
        log_variance = torch.full((n, 1, 1, 1), math.log(variance), dtype=torch.float64)
        term = vb_term(schedule, x0, x_t, torch.full((n,), t), mean, log_variance)
        total += float(term.mean())
    a = float(schedule.alpha_bar(20))
    unit = Normal(torch.tensor(0.0).double(), 1.0)
    prior = kl_divergence(Normal(math.sqrt(a) * x0, math.sqrt(1 - a)), unit).mean()
    final = kl_divergence(Normal(math.sqrt(a) * m, math.sqrt(a * s**2 + 1 - a)), unit)
    entropy = 0.5 * math.log(2 * math.pi * math.e * s**2)
    expected = (entropy + float(final - prior) + math.log(255 / 2)) / math.log(2)
    assert total == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("length", [1000, 250])
def test_hybrid_loss_by_hand(length):
    schedule = Schedule.linear(T=length)
    t = torch.tensor([1, 2, 200])
    grey = (127.5 * (normal(3, 2, 4, 4) + 1)).round().clamp(0, 255)
    x0, noise = grey / 127.5 - 1, normal(3, 2, 4, 4, seed=1)
    eps, v = noise + 0.1 * normal(3, 2, 4, 4, seed=2), normal(3, 2, 4, 4, seed=3)
    x_t = q_sample(schedule, x0, t, noise)
    found = hybrid_loss(schedule, eps, v, x0, x_t, t, noise)
    for i in range(3):
        k = int(t[i])
        ab, beta = float(schedule.alpha_bar(k)), float(schedule.beta(k))
        simple = float(((noise[i] - eps[i]) ** 2).mean())
        # Ho et al. (2020), equation 11: the mean of p straight from eps.
        mean = (x_t[i] - beta / math.sqrt(1 - ab) * eps[i]) / math.sqrt(1 - beta)
        log_variance = learned_log_variance(v[i : i + 1], schedule, k)[0]
        if k == 1:
            p = Normal(mean, (log_variance / 2).exp())
            upper = torch.where(x0[i] >= 1, 1.0, p.cdf(x0[i] + 1 / 255))
            lower = torch.where(x0[i] <= -1, 0.0, p.cdf(x0[i] - 1 / 255))
            bound = -(upper - lower).log().mean()
        else:
            true_mean, variance, _ = posterior(schedule, x0[i : i + 1], x_t[i : i + 1], k)
            q = Normal(true_mean[0], variance[0].sqrt().expand_as(mean))
            bound = kl_divergence(q, Normal(mean, (log_variance / 2).exp())).mean()
        expected = simple + length / 1000 * float(bound) / math.log(2)
        assert float(found[i]) == pytest.approx(expected, rel=1e-6)


def test_the_bound_does_not_train_the_mean():
    t = torch.tensor([1, 600])
    x0, noise = normal(2, 2, 4, 4).clamp(-1, 1), normal(2, 2, 4, 4, seed=1)
    eps = (noise + 0.3 * normal(2, 2, 4, 4, seed=2)).requires_grad_()
    v = normal(2, 2, 4, 4, seed=3).requires_grad_()
    x_t = q_sample(SCHEDULE, x0, t, noise)
    loss = hybrid_loss(SCHEDULE, eps, v, x0, x_t, t, noise).sum()
    for_eps, for_v = torch.autograd.grad(loss, (eps, v))
    torch.testing.assert_close(for_eps, 2 * (eps.detach() - noise) / noise[0].numel())
    assert bool((for_v != 0).all())
    assert bool(torch.isfinite(for_v).all())


def test_loss_stays_finite_in_float32_far_from_the_data():
    x0 = torch.ones(2, 3, 8, 8)
    noise = normal(2, 3, 8, 8).float()
    t = torch.tensor([1, 1000])
    v = torch.zeros(2, 3, 8, 8, requires_grad=True)
    x_t = q_sample(SCHEDULE, x0, t, noise)
    loss = hybrid_loss(SCHEDULE, 20 * noise, v, x0, x_t, t, noise)
    loss.sum().backward()
    assert bool(torch.isfinite(loss).all())
    assert bool(torch.isfinite(v.grad).all())
