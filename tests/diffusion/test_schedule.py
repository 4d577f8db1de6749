import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hardsight.diffusion.schedule import SCHEDULES, Schedule, build_schedule


def test_linear_matches_a_plain_loop():
    schedule = Schedule.linear()
    bar = 1.0
    for t in range(1, 1001):
        beta = 1e-4 + (2e-2 - 1e-4) * (t - 1) / 999
        bar *= 1 - beta
        assert float(schedule.beta(t)) == pytest.approx(beta, rel=1e-12)
        assert float(schedule.alpha_bar(t)) == pytest.approx(bar, rel=1e-10)
    assert schedule.T == 1000


@pytest.mark.parametrize(
    ("k", "sigma"), [(25, 0.046), (50, 0.086), (100, 0.169), (200, 0.360), (300, 0.617)]
)
def test_linear_noise_level_in_pixel_units(k, sigma):
    assert float(Schedule.linear().sigma(k)) / 2 == pytest.approx(sigma, abs=5e-4)


def test_cosine_follows_its_formula_until_the_cap():
    schedule = Schedule.cosine(T=40)
    f = [math.cos((t / 40 + 0.008) / 1.008 * math.pi / 2) ** 2 for t in range(41)]
    expected = [min(1 - f[t] / f[t - 1], 0.999) for t in range(1, 41)]
    torch.testing.assert_close(schedule.betas, torch.tensor(expected, dtype=torch.float64))
    assert float(schedule.beta(40)) == 0.999


def test_alpha_bar_starts_at_the_clean_image():
    schedule = Schedule.cosine(T=10)
    assert float(schedule.alpha_bar(0)) == 1
    for lookup in (schedule.beta, schedule.sigma):
        with pytest.raises(ValueError, match=r"t must be in 1\.\.10"):
            lookup(0)


def test_lookups_are_vectorised():
    schedule = Schedule.linear(T=30)
    t = torch.tensor([[1, 7], [30, 2]])
    for lookup in (schedule.beta, schedule.alpha_bar, schedule.sigma):
        expected = torch.stack([lookup(int(i)) for i in t.flatten()]).reshape(2, 2)
        assert torch.equal(lookup(t), expected)
        assert lookup(t).dtype == torch.float64


@pytest.mark.parametrize("t", [0, 31, -1, torch.tensor([3, 31]), torch.tensor([0, 3])])
def test_timestep_out_of_range_is_refused(t):
    with pytest.raises(ValueError, match=r"t must be in 1\.\.30"):
        Schedule.linear(T=30).beta(t)


def test_fractional_timesteps_are_refused():
    with pytest.raises(TypeError, match="int or a LongTensor"):
        Schedule.linear().beta(torch.tensor([1.0]))
    with pytest.raises(TypeError):
        Schedule.linear().beta(1.5)


@given(st.floats(1e-3, 200.0))
def test_timestep_of_is_the_nearest(sigma):
    schedule = Schedule.linear()
    distances = [abs(float(schedule.sigma(t)) - sigma) for t in range(1, 1001)]
    found = int(schedule.timestep_of(sigma))
    assert distances[found - 1] == min(distances)


def test_timestep_of_inverts_sigma():
    schedule = Schedule.cosine()
    t = torch.arange(1, 1001)
    assert torch.equal(schedule.timestep_of(schedule.sigma(t)), t)
    with pytest.raises(ValueError, match="sigma must be finite"):
        schedule.timestep_of(float("nan"))


def test_timestep_near_is_that_of_noise_in_pixel_units_or_refuses():
    schedule = Schedule.linear()
    assert schedule.timestep_near(float(schedule.sigma(100)) / 2) == 100
    assert schedule.timestep_near(1.1 * float(schedule.sigma(1000)) / 2) == 1000
    for sigma in (1e-4, 1000.0):
        with pytest.raises(ValueError, match=f"sigma={sigma:g} is no noise level of the diffusion"):
            schedule.timestep_near(sigma)
    with pytest.raises(ValueError, match="level must be >= 0, got -1"):
        schedule.timestep_near(-1, "level")


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_respacing_to_every_step_is_the_identity(name):
    schedule = SCHEDULES[name](T=50)
    spaced = schedule.respace(range(1, 51))
    torch.testing.assert_close(spaced.betas, schedule.betas, rtol=1e-9, atol=0)


def test_respaced_schedule_keeps_alpha_bar():
    schedule = Schedule.linear()
    steps = (3, 50, 51, 400)
    spaced = schedule.respace(steps)
    assert spaced.T == 4
    for i, s in enumerate(steps, start=1):
        assert float(spaced.alpha_bar(i)) == pytest.approx(float(schedule.alpha_bar(s)), rel=1e-12)
    assert float(spaced.beta(2)) == pytest.approx(
        1 - float(schedule.alpha_bar(50) / schedule.alpha_bar(3)), rel=1e-12
    )


@pytest.mark.parametrize("steps", [(), (0, 3), (3, 3), (5, 2)])
def test_bad_respacing_is_refused(steps):
    with pytest.raises(ValueError, match="increasing timesteps"):
        Schedule.linear().respace(steps)


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule.linear(),
        Schedule.linear(T=20, start=0.01, end=0.5),
        Schedule.cosine(T=12, s=0.02),
        Schedule.linear().respace((1, 10, 90)),
        Schedule.linear().respace((1, 10, 90, 95)).respace((2, 4)),
    ],
)
def test_config_round_trip(schedule):
    again = build_schedule(json.loads(json.dumps(schedule.config)))
    torch.testing.assert_close(again.betas, schedule.betas, rtol=1e-12, atol=0)


def test_bad_schedules_are_refused():
    with pytest.raises(ValueError, match="unknown schedule 'sqrt'"):
        build_schedule({"name": "sqrt"})
    with pytest.raises(ValueError, match="T must be at least 1"):
        Schedule.linear(T=0)
    with pytest.raises(ValueError, match=r"beta must be in \(0, 1\)"):
        Schedule.linear(end=1.5)
    with pytest.raises(ValueError, match="float64"):
        Schedule(torch.full((3,), 0.1), {})
