from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from promises import keeps
from scipy.stats import norm

from hardsight.certify import Decision, critical_count, critical_counts, decide, plan_looks

RADIUS, SIGMA, ALPHA = 0.8, 1.0, 0.05
P_LO = norm.cdf(-RADIUS / SIGMA)


def run(looks, p_below, repeats, seed=0):
    """Decide ``repeats`` images whose scores are at or below the threshold with P = p_below."""
    rng = np.random.default_rng(seed)
    decision, samples = np.zeros(repeats, np.int8), np.zeros(repeats, int)
    below = np.zeros(repeats, int)
    open_ = np.ones(repeats, bool)
    for j, n in enumerate(looks.samples):
        below += rng.binomial(n - (looks.samples[j - 1] if j else 0), p_below, repeats)
        found, over = looks.settle(j, below)
        decision, samples = np.where(open_, found, decision), np.where(open_, n, samples)
        open_ &= ~over
    assert not open_.any()
    return decision, samples


@pytest.mark.parametrize("p", [0.15, 0.4])
@pytest.mark.parametrize("alpha", [0.2, 0.02])
def test_crossing_probabilities_by_enumerating_every_path(p, alpha):
    samples = [5, 8, 13]
    counts, used = critical_counts(samples, p, alpha)
    paths = np.array(list(product([0, 1], repeat=samples[-1])))
    weight = np.prod(np.where(paths == 1, p, 1 - p), axis=1)
    m = np.cumsum(paths, axis=1)[:, [n - 1 for n in samples]]
    crossed = (m <= counts).astype(int).cumsum(1) > 0
    np.testing.assert_allclose(weight @ crossed, used, rtol=1e-10)
    assert used[-1] <= alpha
    for j in range(3):  # no count could be one larger within its budget
        bolder = counts.copy()
        bolder[j] += 1
        spent = weight @ (m[:, : j + 1] <= bolder[: j + 1]).any(1)
        assert spent > alpha * (j + 1) / 3


def test_a_single_look_is_the_plain_test():
    counts, _ = critical_counts([300], 0.2, 0.01)
    assert counts[0] == critical_count(300, 0.2, 0.01)
    looks = plan_looks(300, 0.1, 0.125, 0.01, looks=1)
    assert looks.samples == (300,)
    assert looks.below == (int(critical_count(300, norm.cdf(-0.8), 0.005)),)


def test_no_look_asks_for_fewer_successes_than_the_one_before():
    looks = plan_looks(2000, 0.1, 0.125, 0.001)
    assert looks.samples[-1] == 2000
    assert looks.below == looks.above  # the median is symmetric
    assert looks.below[0] == 0  # the first look is where unanimity suffices
    assert np.all(np.diff(looks.below) >= 0)


@pytest.mark.parametrize(
    ("p_below", "allowed"),
    [
        (P_LO, {Decision.NORMAL, Decision.UNDECIDED}),
        (1 - P_LO - 1e-3, {Decision.UNDECIDED}),
        (0.5, {Decision.UNDECIDED}),
        (P_LO - 0.01, {Decision.ANOMALOUS, Decision.UNDECIDED}),
        (1 - P_LO, {Decision.NORMAL, Decision.UNDECIDED}),
    ],
)
def test_coverage_over_all_looks(p_below, allowed):
    decision, _ = run(plan_looks(1000, RADIUS, SIGMA, ALPHA), p_below, 40000)
    assert keeps(~np.isin(decision, list(allowed)), ALPHA)


@pytest.mark.parametrize(("at", "given"), [(0.4, 1), (0.96, -1)])
def test_another_quantile_has_two_different_sides(at, given):
    """The 80 % quantile at radius 0.5 sigma: P[below] < 0.634 or >= 0.910 are certain."""
    looks = plan_looks(1000, 0.5, 1.0, ALPHA, quantile=0.8)
    low, high = norm.cdf(norm.ppf(0.8) + np.array([-0.5, 0.5]))
    for p_below in (low, (low + high) / 2, high - 1e-3):
        decision, _ = run(looks, p_below, 40000)
        assert keeps(decision != Decision.UNDECIDED, ALPHA)
    decision, _ = run(looks, at, 2000)
    assert (decision == given).mean() > 0.95


def test_the_confidence_is_spent_not_wasted():
    decision, _ = run(plan_looks(1000, RADIUS, SIGMA, ALPHA), P_LO, 40000)
    assert (decision == Decision.ANOMALOUS).mean() > 0.8 * ALPHA / 2


def test_looking_again_and_again_at_the_full_alpha_is_caught():
    looks = plan_looks(1000, RADIUS, SIGMA, ALPHA)
    careless = tuple(int(critical_count(n, P_LO, ALPHA / 2)) for n in looks.samples)
    decision, _ = run(replace(looks, below=careless), P_LO, 40000)
    assert not keeps(decision == Decision.ANOMALOUS, ALPHA / 2)


def test_it_saves_samples_and_loses_next_to_no_decision():
    looks = plan_looks(1000, RADIUS, SIGMA, 0.001)
    plain = int(critical_count(1000, P_LO, 0.0005))
    rng = np.random.default_rng(0)
    kinds = ((0.01, 0.08), (0.99, 0.08), (0.4, 0.6))  # clear either way; not certifiable
    for p, share in kinds:
        decision, samples = run(looks, p, 2000)
        assert samples.mean() < share * 1000
        full = rng.binomial(1000, p, 2000)
        sure = np.where(full <= plain, 1, np.where(1000 - full <= plain, -1, 0))
        assert (decision != 0).mean() >= (sure != 0).mean() - 0.001
    near, _ = run(looks, P_LO - 0.06, 20000)
    power = (rng.binomial(1000, P_LO - 0.06, 20000) <= plain).mean()
    assert power - 0.1 < (near == Decision.ANOMALOUS).mean() < power


def test_an_image_is_scored_until_it_is_settled():
    looks = plan_looks(500, 0.1, 0.125, 0.01)
    scored = []

    def brightness(images, generator):
        scored.append(len(images))
        return images.mean((1, 2, 3))

    image = torch.full((1, 6, 6), 0.5)
    for threshold, expected in ((0.4, 1), (0.6, -1), (0.5, 0)):
        scored.clear()
        found = decide(brightness, image, threshold, looks, torch.Generator().manual_seed(0), 50)
        assert found.decision == expected
        assert found.samples == sum(scored)
        assert found.samples + found.saved == 500
        assert found.samples in looks.samples
        assert found.saved > 100
        again = decide(brightness, image, threshold, looks, torch.Generator().manual_seed(0), 50)
        assert again == found


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"n=20 samples settle nothing.*at least 26"):
        plan_looks(20, 0.8, 1.0, 0.005)
    with pytest.raises(ValueError, match="looks must be at least 1"):
        plan_looks(500, 0.8, 1.0, 0.005, looks=0)
    assert plan_looks(26, 0.8, 1.0, 0.005).below == (0,)
