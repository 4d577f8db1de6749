import numpy as np
import pytest
import torch
from promises import keeps
from scipy.stats import binom, norm

from hardsight.certify import (
    Decision,
    PixelCounter,
    certified_radius,
    certify_pixels,
    critical_count,
    detections,
    detector_scorer,
    score_samples,
)
from hardsight.core.types import Detection

IMAGE = torch.rand(3, 5, 6, generator=torch.Generator().manual_seed(0))


def brightness(images, generator):
    maps = images.mean(1, keepdim=True)
    return Detection(maps.flatten(1).amax(1), maps)


def seeded():
    return torch.Generator().manual_seed(1)


def test_counts_and_scores_come_of_the_same_noisy_copies(advrad):
    image = torch.rand(3, 16, 16, generator=seeded())
    counter = PixelCounter(detections(advrad), 0.5)
    scores = score_samples(counter, image, 23, 0.2, seeded(), 5)
    plain = score_samples(detector_scorer(advrad), image, 23, 0.2, seeded(), 5)
    assert torch.equal(scores, plain)
    maps = []

    def keep(images, generator):
        found = detections(advrad)(images, generator)
        maps.append(found.anomaly_map)
        return found.pred_score

    score_samples(keep, image, 23, 0.2, seeded(), 5)
    np.testing.assert_array_equal(counter.above, (torch.cat(maps)[:, 0] > 0.5).sum(0).numpy())
    assert counter.samples == 23
    assert 0 < counter.above.sum() < 23 * 256


def test_the_three_colours_of_a_linear_map():
    """The map is the mean of three noisy values: a pixel is safe sigma away, up to the sample."""
    sigma, radius, n = 0.1, 0.05, 2000
    image = torch.linspace(0.2, 0.8, 64).view(1, 1, 64).expand(3, 1, 64).clone()
    counter = PixelCounter(brightness, 0.5)
    score_samples(counter, image, n, sigma, seeded(), 500)
    decision = certify_pixels(counter.above, n, radius, sigma, 0.001)[0]
    assert decision.dtype == np.int8
    assert np.all(np.diff(decision) >= 0)
    assert set(decision) == {-1, 0, 1}
    safe = radius / np.sqrt(3)  # all of the radius spent on one pixel's three values
    clear = np.abs(image[0, 0].numpy() - 0.5)
    assert np.all(decision[clear < safe] == 0)
    assert np.all(decision[clear > safe + 0.03] != 0)


def test_no_pixel_of_the_picture_is_marked_wrongly_more_often_than_alpha():
    """Pixels at the very edge of what is safe, dependent in blocks."""
    alpha, n, radius = 0.05, 150, 0.5
    p_lo = norm.cdf(-radius)
    rng = np.random.default_rng(0)
    edge = np.array([1 - p_lo, p_lo, 0.5, 0.999, 0.001])  # P[above the threshold]
    alone = rng.binomial(n, np.tile(edge, (3000, 8)))
    above = np.concatenate((alone, alone[:, :20]), axis=1)
    truth = np.tile([0, 0, 0, 1, -1], 12)
    false = [
        np.any((found != truth) & (found != 0))
        for found in (certify_pixels(row, n, radius, 1.0, alpha) for row in above)
    ]
    assert keeps(np.array(false), alpha)
    # testing every pixel at alpha without a correction is caught
    critical = int(critical_count(n, p_lo, alpha))
    careless = np.any((n - above <= critical) & (truth != 1), axis=1)
    assert not keeps(careless, alpha)


def test_holm_marks_what_bonferroni_does_and_more():
    n, radius = 200, 0.5
    p_lo = norm.cdf(-radius)
    above = np.random.default_rng(0).binomial(n, np.linspace(0, 1, 400))
    found = certify_pixels(above, n, radius, 1.0, 0.01)
    limit = 0.01 / 800
    bonferroni = (binom.cdf(n - above, n, p_lo) <= limit).astype(int) - (
        binom.cdf(above, n, p_lo) <= limit
    )
    assert np.all(found[bonferroni != 0] == bonferroni[bonferroni != 0])
    assert np.abs(found).sum() > np.abs(bonferroni).sum()
    assert not certify_pixels(above, n, 3.0, 1.0, 0.01).any()  # n too small: nothing is certain


@pytest.mark.parametrize("quantile", [0.5, 0.7])
def test_a_single_pixel_is_judged_as_an_image_is(quantile):
    n, sigma, alpha, radius = 120, 0.3, 0.02, 0.1
    for above in range(n + 1):
        scores = np.arange(n) >= n - above
        image = certified_radius(scores.astype(float), 0.5, sigma, alpha, quantile)
        expected = image.decision if image.radius >= radius else Decision.UNDECIDED
        assert certify_pixels(above, n, radius, sigma, alpha, quantile) == expected


def test_bad_input_is_named():
    counter = PixelCounter(brightness, 0.5)
    with pytest.raises(ValueError, match="no map was counted"):
        counter.above  # noqa: B018
    nan = PixelCounter(lambda x, g: Detection(x[:, 0, 0, 0], (x - 9).log()[:, :1]), 0.5)
    score_samples(nan, IMAGE, 4, 0.1, seeded())
    with pytest.raises(ValueError, match="held NaN"):
        nan.above  # noqa: B018
    with pytest.raises(ValueError, match=r"counts in \[0, n=5\]"):
        certify_pixels([[3, 6]], 5, 0.1, 0.1, 0.1)
    with pytest.raises(ValueError, match="radius must be"):
        certify_pixels([[3, 5]], 5, -0.1, 0.1, 0.1)
    assert certify_pixels([5], 5, 0.0, 0.1, 0.5) == Decision.ANOMALOUS
