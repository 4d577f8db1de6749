import numpy as np
import pytest

from hardsight.certify import percentile_bounds
from hardsight.data import AnomalyData, load
from hardsight.evaluation.certified.plan import Smoothing, Terms
from hardsight.evaluation.certified.sigma import Evidence, _expected_bounds, choose_sigma
from hardsight.evaluation.plan import Execution


class Untouchable:
    def __getattr__(self, name: str):
        raise AssertionError(f"the test set was asked for {name}")


def test_sigma_is_chosen_without_the_test_set(parts):
    """A sigma that cannot bound a radius is not chosen where another can."""
    data = load(parts, size=16)
    blind = AnomalyData(data.name, data.train, data.validation, Untouchable(), data.root)

    def spread(images):
        return images.std((1, 2, 3))

    found = choose_sigma(
        spread,
        blind,
        Terms(0.1, radii=(0.0, 0.1)),
        (0.01, 0.05),
        smoothing=Smoothing(batch_size=40),
        evidence=Evidence(images=2, samples=40),
    )
    assert [t.sigma for t in found.tried] == [0.05, 0.01]
    assert found.sigma == 0.05
    unbounded = found.tried[1]
    assert unbounded.aurocs[1] == 0.0  # 0.1 is ten sigma
    assert found.tried[0].score == np.mean(found.tried[0].aurocs)
    assert "0.05" in found.statement
    with pytest.raises(ValueError, match="at least one sigma"):
        choose_sigma(spread, blind, Terms(0.1), ())


def test_a_time_limit_leaves_none_untried(parts):
    """It is what may be certified in that time: a choice by a part of the images would be none."""
    data, evidence = load(parts, size=16), Evidence(images=2, samples=10)
    asked = (lambda x: x.std((1, 2, 3)), data, Terms(0.1, radii=(0.0,)), (0.02, 0.05))
    first, second = (
        choose_sigma(*asked, evidence=evidence, execution=Execution(max_minutes=limit))
        for limit in (0.0, None)
    )
    assert first == second


def test_as_many_scores_as_will_certify_give_the_bounds_themselves():
    """No rank is missed by the last digit of a quotient, as 29 / 100 * 100 is."""
    scores = np.random.default_rng(0).random((100, 2))
    terms = Terms(0.25, n=100, radii=tuple(np.linspace(0, 0.3, 61)))
    expected = percentile_bounds(scores, terms.radii, **terms.bounds)
    assert np.array_equal(_expected_bounds(scores, terms), expected)
