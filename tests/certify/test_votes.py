import numpy as np
import pytest
import torch
from promises import keeps
from scipy.stats import norm

from hardsight.certify import ABSTAIN, certify_vote, count_votes, largest_radius, side_radius

IMAGE = torch.full((1, 4, 4), 0.5)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def bands(*edges):
    """Classes by the brightness of the first pixel; of three classes the last never wins."""

    def classify(images, generator):
        v = images[:, 0, 0, 0]
        label = (v[:, None] > torch.tensor(edges)).sum(1)
        return torch.nn.functional.one_hot(label, 3).float()

    return classify


def voted(classifier, n, generator, size, alpha=0.001, selection=100):
    proposing, judging = (
        count_votes(classifier, IMAGE, count, 0.2, generator, size) for count in (selection, n)
    )
    return certify_vote(proposing, judging, 0.2, alpha)


def test_votes_are_counted_over_batches():
    votes = count_votes(bands(0.5, 0.7), IMAGE, 4000, 0.2, seeded(), 300)
    expected = 4000 * np.diff(norm.cdf([-np.inf, 0.0, 1.0, np.inf]))
    np.testing.assert_allclose(votes, expected, atol=120)
    assert votes.sum() == 4000


def test_the_radius_of_a_linear_classifier_is_the_distance_to_its_boundary():
    vote = voted(bands(0.3, 99.0), 40000, seeded(), 4000)
    assert vote.label == 1
    assert vote.radius == pytest.approx(0.2, rel=0.05)
    assert vote.radius < 0.2
    unanimous = voted(bands(-9.0, 99.0), 500, seeded(), 500)
    assert unanimous.radius == pytest.approx(largest_radius(500, 0.2, 0.001))


def test_it_abstains_at_a_tie():
    vote = voted(bands(0.5, 99.0), 1000, seeded(), 500)
    assert vote.label == ABSTAIN
    assert np.isnan(vote.radius)


def test_coverage_and_a_sample_that_proposes_and_judges():
    """Two classes of equal probability: no answer is true, and at most alpha may be given."""
    alpha, n, repeats = 0.05, 200, 20000
    rng = np.random.default_rng(0)
    proposed = rng.binomial(100, 0.5, repeats) > 50
    first = rng.binomial(n, 0.5, repeats)
    votes = np.where(proposed, first, n - first)
    assert keeps(~np.isnan(side_radius(n - votes, n, 1.0, alpha)), alpha)
    reused = np.maximum(first, n - first)
    assert not keeps(~np.isnan(side_radius(n - reused, n, 1.0, alpha)), alpha)
    # with p = 0.8 the radius may exceed Phi^-1(0.8) with probability alpha
    radius = side_radius(n - rng.binomial(n, 0.8, repeats), n, 1.0, alpha)
    assert keeps(radius > norm.ppf(0.8), alpha)
    assert (radius > norm.ppf(0.8)).mean() > alpha / 3


def test_the_whole_procedure_keeps_its_word():
    """Small certificates of a classifier at a tie, with its own coin."""

    def coin(images, generator):
        return torch.rand(len(images), 2, generator=generator)

    g = seeded(3)
    given = [voted(coin, 60, g, 60, alpha=0.2, selection=20).label != ABSTAIN for _ in range(300)]
    assert keeps(np.array(given), 0.2)
    assert any(given)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"logits \(10, classes\)"):
        count_votes(lambda x, g: x.flatten(1).sum(1), IMAGE, 10, 0.2, seeded())
    with pytest.raises(ValueError, match=r"of at least 2 classes, got \(10, 1\)"):
        count_votes(lambda x, g: x[:, :, 0, 0], IMAGE, 10, 0.2, seeded())
    for proposing, judging in (([1, 9], [5, 90, 5]), ([1, 9, 0], [5, 95]), ([9], [90])):
        with pytest.raises(ValueError, match="votes for the same K >= 2 classes"):
            certify_vote(proposing, judging, 0.2, 0.001)
    with pytest.raises(ValueError, match="returned NaN at sigma"):
        count_votes(lambda x, g: (x - 9).log().flatten(1), IMAGE, 10, 0.2, seeded())
    with pytest.raises(ValueError, match="n must be at least 1"):
        count_votes(bands(0.5, 0.7), IMAGE, 0, 0.2, seeded())
    with pytest.raises(ValueError, match="alpha must be"):
        certify_vote([10, 0], [10, 0], 0.2, 1.1)
