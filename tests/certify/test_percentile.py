import numpy as np
import pytest
from promises import keeps
from scipy.stats import beta, binom, norm

from hardsight.certify import NOT_A_CERTIFICATE, STATISTICS, percentile_bounds, ranks

REPEATS = 3000


def noise(n, repeats=REPEATS, seed=0):
    return np.random.default_rng(seed).standard_normal((n, repeats))


def smoothed(f, shifts, quantile=0.5):
    """The smallest y with P[f(shift + z) <= y] >= quantile, by a fine sum over z."""
    z = np.linspace(-9, 9, 18001)
    found = []
    for shift in shifts:
        values = f(shift + z)
        order = np.argsort(values)
        mass = np.cumsum(norm.pdf(z[order])) * (z[1] - z[0])
        found.append(values[order][np.searchsorted(mass, quantile)])
    return np.array(found)


@pytest.mark.parametrize(
    ("n", "pairs"),
    [
        (200, [(59, 142), (42, 159), (17, 184), (4, 197), (0, 201), (0, 201)]),
        (1000, [(354, 647), (264, 737), (124, 877), (44, 957), (10, 991), (0, 1001)]),
        (10000, [(3862, 6139), (2943, 7058), (1475, 8526), (592, 9409), (183, 9818), (4, 9997)]),
        (
            100000,
            [
                *[(39651, 60350), (30403, 69598), (15509, 84492)],
                *[(6438, 93563), (2131, 97870), (101, 99900)],
            ],
        ),
    ],
)
def test_the_table_of_ranks(n, pairs):
    low, high = ranks(n, [0.25, 0.5, 1, 1.5, 2, 3], 1.0, 0.001)
    assert list(zip(low, high, strict=True)) == pairs


@pytest.mark.parametrize("quantile", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_ranks_by_trying_every_one(alpha, quantile):
    n, k = 150, np.arange(1, 151)
    for radius in (0.0, 0.2, 0.9, 2.5):
        low, high = ranks(n, radius, 0.5, alpha, quantile)
        p_lo, p_hi = norm.cdf(norm.ppf(quantile) + np.array([-1, 1]) * radius / 0.5)
        lower = k[binom.sf(k - 1, n, p_lo) >= 1 - alpha]
        upper = k[binom.cdf(k - 1, n, p_hi) >= 1 - alpha]
        assert (low, high) == (max(lower, default=0), min(upper, default=n + 1))


@pytest.mark.parametrize("radius", [0.0, 0.5, 1.0])
def test_on_a_linear_score_the_bound_fails_exactly_as_often_as_the_binomial_says(radius):
    """f = 3 u: the smoothed median at shift d is 3 d, worst at the end of the radius."""
    n, alpha = 400, 0.05
    lower, upper = percentile_bounds(3 * noise(n), radius, 1.0, alpha)
    low, _ = ranks(n, radius, 1.0, alpha)
    expected = binom.cdf(low - 1, n, norm.cdf(-radius))
    assert 0.6 * alpha < expected <= alpha
    for false in (lower > -3 * radius, upper < 3 * radius):
        assert keeps(false, alpha)
        assert false.mean() == pytest.approx(expected, abs=4 * np.sqrt(alpha / REPEATS))


@pytest.mark.parametrize("quantile", [0.5, 0.8])
def test_coverage_over_the_whole_radius_of_a_crooked_score(quantile):
    def f(u):
        return u**2 + 0.3 * np.sin(9 * u)

    n, alpha, x, radius = 500, 0.01, 0.3, 1.0
    truth = smoothed(f, x + np.linspace(-radius, radius, 81), quantile)
    lower, upper = percentile_bounds(f(x + noise(n)), radius, 1.0, alpha, quantile)
    assert keeps(lower > truth.min(), alpha)
    assert keeps(upper < truth.max(), alpha)


def test_bounds_lie_where_the_exact_order_statistics_do():
    """Within 2 % of the exact order statistic, whose law is beta."""
    n, alpha, radii = 2000, 0.001, np.array([0.0, 0.4, 1.0, 2.0])
    lower, upper = percentile_bounds(10 + noise(n, 1000), radii, 1.0, alpha)
    k = np.arange(1, n + 1)
    for i, radius in enumerate(radii):
        low = k[binom.sf(k - 1, n, norm.cdf(-radius)) >= 1 - alpha].max()
        exact = 10 + norm.ppf(beta.median(low, n + 1 - low))
        assert np.median(lower[i]) == pytest.approx(exact, rel=0.002)
        assert np.median(upper[i]) == pytest.approx(20 - exact, rel=0.002)
        assert np.quantile(np.abs(lower[i] / exact - 1), 0.9) < 0.02


def test_more_samples_come_to_the_limit_of_the_theorem():
    lower, upper = percentile_bounds(10 + noise(200_000, 1), 1.0, 1.0, 0.001)
    np.testing.assert_allclose([lower[0], upper[0]], [9, 11], rtol=0.002)


@pytest.mark.parametrize("levels", [2, 5])
def test_discrete_and_random_scores_are_covered(levels):
    """Steps at the very shift where the median changes: the hardest place for ties."""
    n, alpha, radius = 300, 0.05, 0.7
    steps = np.concatenate(([-radius, radius], np.linspace(-0.3, 0.3, levels - 2)))[:levels]

    def f(u):
        return (u[..., None] > steps).sum(-1).astype(float)

    z = noise(n, REPEATS, seed=3)
    lower, upper = percentile_bounds(f(z), radius, 1.0, alpha)
    shifts = np.linspace(-radius, radius, 41)
    cdf = [norm.cdf(np.sort(steps) - d) for d in shifts]  # P[f <= j], j = 0, 1, ...
    medians = [int(np.searchsorted(c, 0.5 - 1e-12)) for c in cdf]
    assert (lower > min(medians)).any()  # the bound is tight: it does fail, and rarely
    assert keeps(lower > min(medians), alpha)
    assert keeps(upper < max(medians), alpha)
    # the detector's own coin: half of its scores are replaced by a coin's
    rng = np.random.default_rng(4)
    coin = rng.random(z.shape) < 0.5
    lower, upper = percentile_bounds(np.where(coin, f(z), rng.integers(0, 2, z.shape)), 0, 1, alpha)
    share = 0.5 * norm.cdf(np.sort(steps)) + np.where(np.arange(levels) == 0, 0.25, 0.5)
    median = int(np.searchsorted(share, 0.5 - 1e-12))
    assert keeps(lower > median, alpha)
    assert keeps(upper < median, alpha)


def test_the_mean_of_a_heavy_tailed_score_is_not_covered():
    """A score of 1 with probability 0.6 or more, else far below: FACTS' counter-example."""
    n, alpha, radius = 400, 0.05, 0.2
    edge = norm.ppf(0.4)

    def f(u):
        return np.where(u > edge, 1.0, -np.exp(np.minimum(4 * (edge - u), 60)))

    scores = f(noise(n))
    z = np.linspace(-25, 9, 200_001)
    true_mean = (f(z) * norm.pdf(z + radius)).sum() * (z[1] - z[0])  # at the shift -radius
    median = smoothed(f, [-radius])[0]
    assert keeps(percentile_bounds(scores, radius, 1.0, alpha)[0] > median, alpha)
    predicted = STATISTICS["mean"](scores, radius, 1.0, alpha)[0]
    assert keeps(predicted > median, alpha)
    assert not keeps(predicted > true_mean, alpha)
    assert "not a certificate" in NOT_A_CERTIFICATE


def test_too_few_samples_are_infinite_not_clipped():
    scores = np.arange(1.0, 31.0)
    lower, upper = percentile_bounds(scores, [0.0, 1.5], 1.0, 0.001)
    np.testing.assert_array_equal(lower, [7, -np.inf])
    np.testing.assert_array_equal(upper, [24, np.inf])


def test_a_curve_and_columns_are_each_their_own():
    scores, radii = noise(300, 5), np.array([0.0, 0.3, 1.2])
    lower, upper = percentile_bounds(scores, radii, 0.8, 0.01)
    assert lower.shape == upper.shape == (3, 5)
    for i, radius in enumerate(radii):
        for j in range(5):
            one = percentile_bounds(scores[:, j], radius, 0.8, 0.01)
            assert one == (lower[i, j], upper[i, j])
    assert np.all(np.diff(lower, axis=0) < 0)
    # monotone transformations change nothing but the scale
    np.testing.assert_allclose(
        percentile_bounds(np.exp(scores), radii, 0.8, 0.01)[0], np.exp(lower)
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sigma": 0.0}, "sigma must be"),
        ({"radius": -0.1}, "radius must be"),
        ({"alpha": 0.0}, "alpha must be"),
        ({"quantile": 1.0}, "quantile must be"),
        ({"scores": [1.0, np.nan]}, "scores must be finite"),
        ({"scores": np.zeros((2, 2, 2))}, r"\(n,\) or \(n, B\)"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"scores": np.arange(9.0), "radius": 0.1, "sigma": 0.2, "alpha": 0.1} | change
    with pytest.raises(ValueError, match=message):
        percentile_bounds(**arguments)
