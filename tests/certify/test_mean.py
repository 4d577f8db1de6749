import numpy as np
import pytest
from scipy.stats import beta, norm

from hardsight.certify import NOT_A_CERTIFICATE, STATISTICS, percentile_bounds
from hardsight.metrics import certified_auroc

N, SIGMA, ALPHA = 80, 0.2, 0.01
RNG = np.random.default_rng(0)
NORMAL = RNG.gamma(2, 1, (N, 9)) + RNG.normal(0, 1, 9)
ANOMALOUS = RNG.normal(5, 1, 7) - 2 * RNG.gamma(0.3, 1, (N, 7))  # skewed the other way


def sweep(radius, by_mean):
    """The paper's: at every threshold count, bound, predict; then the area by lower steps."""

    def certain(scores, h, above):
        inside = scores > h if above else scores <= h
        count = inside.sum(0)
        p = np.where(count > 0, beta.ppf(ALPHA, np.maximum(count, 1), N - count + 1), 0.0)
        ok = (p > 0.5) & (SIGMA * norm.ppf(p) >= radius)
        mean = scores.mean(0)
        return ok & ((mean > h) == above) if by_mean else ok

    every = np.concatenate([f(s) for s in (NORMAL, ANOMALOUS) for f in (np.ravel, column_mean)])
    h = [np.inf, *np.unique(every)[::-1], every.min() - 1]
    tpr = np.array([certain(ANOMALOUS, t, True).mean() for t in h])
    fpr = np.array([1 - certain(NORMAL, t, False).mean() for t in h])
    return np.sum(np.diff(fpr) * tpr[:-1])


def column_mean(scores):
    return scores.mean(0)


@pytest.mark.parametrize("radius", [0.01, 0.06, 0.15])
@pytest.mark.parametrize("statistic", ["median", "mean"])
def test_the_papers_sweep_is_the_closed_form_over_bounds(statistic, radius):
    lower = STATISTICS[statistic](ANOMALOUS, radius, SIGMA, ALPHA)[0]
    upper = STATISTICS[statistic](NORMAL, radius, SIGMA, ALPHA)[1]
    found = certified_auroc(lower, upper)
    assert 0.01 < found < 0.99
    assert found == pytest.approx(sweep(radius, statistic == "mean"))


def test_as_bounds_of_the_median_they_are_only_looser():
    assert STATISTICS["median"] is percentile_bounds
    radii = np.array([0.0, 0.1])
    lower, upper = percentile_bounds(ANOMALOUS, radii, SIGMA, ALPHA)
    loose = STATISTICS["mean"](ANOMALOUS, radii, SIGMA, ALPHA)
    assert loose[0].shape == (2, 7)
    assert np.all(loose[0] <= lower)
    assert np.all(loose[1] >= upper)
    assert np.all(STATISTICS["mean"](ANOMALOUS, 9.0, SIGMA, ALPHA)[0] == -np.inf)
    assert NOT_A_CERTIFICATE.startswith("not a certificate")
