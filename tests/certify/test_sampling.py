import numpy as np
import pytest
import torch
from scipy.stats import beta, kstest, norm
from torch import Tensor

from hardsight.certify import (
    detections,
    detector_scorer,
    noisy_batches,
    percentile_bounds,
    ranks,
    score_samples,
)
from hardsight.core.types import Detection
from hardsight.detectors import Detector
from hardsight.metrics import certified_auroc

IMAGE = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(0))
W = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def linear(images: Tensor, generator: torch.Generator) -> Tensor:
    return (images.double() * W).flatten(1).sum(1)


class Counting(Detector):
    """Score: the image's mean plus a coin of its own."""

    image_size, random = 4, True

    def sample_noise(self, images, generator=None):
        return torch.rand(len(images), generator=generator)

    def forward(self, images, noise=None) -> Detection:
        maps = images.mean(1, keepdim=True)
        return Detection(maps.flatten(1).mean(1) + (noise > 0.5), maps)


def test_a_linear_score_follows_the_normal_law():
    scores = score_samples(linear, IMAGE, 4000, 0.3, seeded(), 128)
    mean, spread = float(linear(IMAGE[None], seeded())[0]), 0.3 * float(W.norm())
    assert (scores.shape, scores.dtype) == ((4000,), torch.float64)
    assert kstest(scores.numpy(), "norm", args=(mean, spread)).pvalue > 0.01


def test_batches_bound_the_memory_and_nothing_is_clamped():
    sizes, seen = [], []
    for x in noisy_batches(IMAGE, 103, 0.5, seeded(), 25):
        sizes.append(len(x))
        seen.append(x.clone())
        place = x.untyped_storage().data_ptr()
        assert x.untyped_storage().nbytes() == 25 * IMAGE.numel() * 4
    assert sizes == [25, 25, 25, 25, 3]
    assert x.untyped_storage().data_ptr() == place
    z = (torch.cat(seen) - IMAGE) / 0.5
    assert (torch.cat(seen) < 0).any()
    assert (torch.cat(seen) > 1).any()
    assert kstest(z.flatten().numpy(), "norm").pvalue > 0.01
    assert len(torch.unique(z[:, 0, 0, 0])) == 103


def test_a_scorer_that_returns_a_view_of_its_input_is_safe():
    scores = score_samples(lambda x, _: x[:, 0, 0, 0], IMAGE, 10, 0.2, seeded(), 4)
    again = [x[:, 0, 0, 0].clone() for x in noisy_batches(IMAGE, 10, 0.2, seeded(), 4)]
    assert torch.equal(scores, torch.cat(again).double())


def test_same_generator_same_scores():
    a, b, c = (score_samples(linear, IMAGE, 50, 0.1, seeded(s), 16) for s in (3, 3, 4))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_a_detector_gets_fresh_noise_for_every_sample_and_no_gradient():
    scores = score_samples(detector_scorer(Counting()), IMAGE, 400, 1e-4, seeded(), 64)
    coins = (scores - float(IMAGE.mean())).round()
    assert set(coins.tolist()) == {0.0, 1.0}
    assert 150 < coins.sum() < 250
    detector = Counting()
    detector.register_parameter("gain", torch.nn.Parameter(torch.ones(())))
    graph = []

    def scorer(images, generator):
        graph.append((detections(detector)(images, generator).pred_score * detector.gain).grad_fn)
        return images[:, 0, 0, 0]

    score_samples(scorer, IMAGE, 4, 0.1, seeded())
    assert graph == [None]


def test_advrad_is_scored_outside_the_pixel_range(advrad):
    image = torch.zeros(3, 16, 16)  # half of every noisy copy lies below 0
    scores = score_samples(detector_scorer(advrad), image, 7, 0.25, seeded(5), 7)
    generator = seeded(5)
    x = torch.empty(7, 3, 16, 16).normal_(0, 0.25, generator=generator)
    with torch.no_grad():
        expected = advrad(x, advrad.sample_noise(x, generator)).pred_score
    torch.testing.assert_close(scores, expected.double())


@pytest.mark.parametrize("radius", [0.0, 0.08, 0.15])
def test_certified_auroc_of_a_linear_score_is_the_analytic_one(radius):
    """L = w.x + s Z_(k), U = w.x' + s Z'_(n+1-k), with Phi(Z_(k)) ~ Beta(k, n + 1 - k)."""
    sigma, n, alpha, count = 0.2, 400, 0.01, 60
    g = seeded(7)
    images = 0.3 + 0.4 * torch.rand(2 * count, 3, 4, 4, generator=g)
    images[count:] += 0.035 * torch.sign(W).float()
    scores = torch.stack([score_samples(linear, x, n, sigma, g, 200) for x in images], 1)
    lower, upper = percentile_bounds(scores, radius, sigma, alpha)
    found = certified_auroc(lower[count:], upper[:count])

    clean = linear(images, g).numpy()
    gaps = (clean[count:, None] - clean[:count]).ravel()
    low, high = ranks(n, radius, sigma, alpha)
    rng, scale = np.random.default_rng(0), sigma * float(W.norm())
    z_low, z_high = (
        norm.ppf(beta.rvs(k, n + 1 - k, size=4000, random_state=rng)) for k in (low, high)
    )
    expected = np.mean(gaps[:, None] > scale * (z_high - z_low))
    limit = np.mean(gaps > 2 * radius * float(W.norm()))  # no finite sample can promise more
    assert 0.05 < expected < 0.95
    assert found == pytest.approx(expected, abs=0.02)
    assert found <= limit


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": IMAGE[None]}, "one image"),
        ({"image": IMAGE + 2}, r"image must be finite and in \[0, 1\]"),
        ({"n": 0}, "n must be at least 1"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"sigma": 0.0}, "sigma must be"),
        ({"scorer": lambda x, g: x.mean()}, r"one score per image, \(9,\)"),
        ({"scorer": lambda x, g: (x[:, 0, 0, 0] - 99).log()}, "NaN or infinite at sigma=2"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"scorer": linear, "image": IMAGE, "n": 9, "sigma": 2.0} | change
    with pytest.raises(ValueError, match=message):
        score_samples(generator=seeded(), **arguments)


@pytest.mark.parametrize(("side", "batches"), [(16, [32, 8]), (128, [16, 16, 8]), (512, [8] * 5)])
def test_large_copies_come_in_small_batches_on_a_cpu(side, batches):
    image = torch.zeros(3, side, side)
    made = [len(x) for x in noisy_batches(image, 40, 1.0, torch.Generator().manual_seed(0))]
    assert made == batches
    wide = noisy_batches(image[:, :2, :2], 40, 1.0, torch.Generator(), batch_size=20)
    assert [len(x) for x in wide] == [20, 20]
