import math

import pytest
import torch
from exact_denoisers import GaussianData, Smooth, normal

from hardsight.diffusion.ddim import ddim, draws_of, sub_sequence
from hardsight.diffusion.gaussian import posterior, q_sample
from hardsight.diffusion.reconstruct import arbitrary_shot, one_shot
from hardsight.diffusion.schedule import Schedule


def test_the_papers_grid_has_fifteen_calls():
    steps = sub_sequence(140, 10)
    assert steps == tuple(range(1, 142, 10))
    assert len(steps) == 15
    assert sub_sequence(140) == tuple(range(1, 142))
    with pytest.raises(ValueError, match="choose depth=140"):
        sub_sequence(143, 10)


@pytest.mark.parametrize("steps", [sub_sequence(140, 10), (1, 2, 3), (40,)])
def test_deterministic_sampling_of_gaussian_data_in_closed_form(steps):
    """Each step turns the offset u from the mean into (sqrt(ab_s ab_t) s^2 + ...) / v_t u."""
    schedule = Schedule.linear()
    denoiser = GaussianData(schedule, m=0.3, s=0.25)
    x, noise = normal(3, 2, 4, 4), normal(3, 1, 2, 4, 4, seed=1)
    bars = [float(schedule.alpha_bar(t)) for t in (0, *steps)]
    u = q_sample(schedule, x, steps[-1], noise[:, 0]) - math.sqrt(bars[-1]) * 0.3
    for before, ab in zip(bars[-2::-1], bars[:0:-1], strict=True):
        v = ab * 0.25**2 + 1 - ab
        u = u * (math.sqrt(before * ab) * 0.25**2 + math.sqrt((1 - before) * (1 - ab))) / v
    torch.testing.assert_close(ddim(denoiser, x, steps, noise), 0.3 + u, rtol=0, atol=1e-10)


def test_fine_deterministic_sampling_moves_every_point_to_its_quantile():
    """The probability flow of Gaussian data keeps the standardised value."""
    schedule = Schedule.linear()
    x, noise = normal(2, 1, 3, 3), normal(2, 1, 1, 3, 3, seed=1)
    found = ddim(GaussianData(schedule, 0.3, 0.25), x, range(1, 401), noise)
    ab = float(schedule.alpha_bar(400))
    x_t = q_sample(schedule, x, 400, noise[:, 0])
    z = (x_t - math.sqrt(ab) * 0.3) / math.sqrt(ab * 0.25**2 + 1 - ab)
    torch.testing.assert_close(found, 0.3 + 0.25 * z, rtol=0, atol=0.01)


@pytest.mark.parametrize("steps", [(1, 2, 3, 4, 5), (3, 11, 40, 90)])
def test_eta_one_is_the_ancestral_chain(steps):
    denoiser = Smooth(Schedule.linear())
    x, noise = normal(2, 2, 3, 3), normal(2, len(steps), 2, 3, 3, seed=1)
    with torch.no_grad():
        found = ddim(denoiser, x, steps, noise, eta=1.0)
        torch.testing.assert_close(found, arbitrary_shot(denoiser, x, steps, noise))


def test_eta_between_adds_its_share_of_the_variance():
    """Two steps by hand: sigma^2 = eta^2 times the posterior's variance of the re-spaced pair."""
    schedule, eta = Schedule.linear(T=40, start=0.01, end=0.2), 0.6
    denoiser, steps = Smooth(schedule), (7, 20)
    x, noise = normal(2, 2, 3, 3), normal(2, 2, 2, 3, 3, seed=1)
    with torch.no_grad():
        x_t = q_sample(schedule, x, 20, noise[:, 0])
        x0 = denoiser(x_t, 20)
        ab, before = float(schedule.alpha_bar(20)), float(schedule.alpha_bar(7))
        eps = (x_t - math.sqrt(ab) * x0) / math.sqrt(1 - ab)
        variance = eta**2 * float(posterior(schedule.respace(steps), x0, x_t, 2)[1])
        x_s = math.sqrt(before) * x0 + math.sqrt(1 - before - variance) * eps
        expected = denoiser(x_s + math.sqrt(variance) * noise[:, 1], 7)
        torch.testing.assert_close(ddim(denoiser, x, steps, noise, eta), expected)


def test_one_step_is_one_shot():
    denoiser = Smooth(Schedule.linear())
    x, noise = normal(2, 2, 3, 3), normal(2, 2, 3, 3, seed=1)
    with torch.no_grad():
        found = ddim(denoiser, x, (70,), noise[:, None])
        torch.testing.assert_close(found, one_shot(denoiser, x, 70, noise))


def test_gradient_is_exact():
    denoiser = Smooth(Schedule.linear(T=20, start=0.01, end=0.3), width=4)
    x, noise = normal(1, 2, 3, 3).requires_grad_(), normal(1, 4, 2, 3, 3, seed=1)
    for eta in (0.0, 1.0):
        assert torch.autograd.gradcheck(
            lambda x, eta=eta: ddim(denoiser, x, (1, 5, 9, 15), noise, eta), x
        )


def test_bad_arguments_are_refused():
    denoiser, x = Smooth(Schedule.linear()), normal(2, 2, 3, 3)
    assert draws_of((1, 2, 3), 0.0) == 1
    assert draws_of((1, 2, 3), 0.5) == 3
    with pytest.raises(ValueError, match=r"noise must have shape .* \(2, 3, 2, 3, 3\)"):
        ddim(denoiser, x, (1, 2, 3), normal(2, 2, 2, 3, 3), eta=1.0)
    with pytest.raises(ValueError, match="eta must be in"):
        ddim(denoiser, x, (1, 2), normal(2, 2, 2, 3, 3), eta=1.5)
    with pytest.raises(ValueError, match="increasing"):
        ddim(denoiser, x, (2, 1), normal(2, 2, 2, 3, 3))
