import math

import pytest
import torch
from torch import Tensor

from hardsight.attacks import L2, PGD, ScoreObjective
from hardsight.core.types import Detection
from hardsight.detectors import Detector, Wrapped
from hardsight.detectors.adapters.denoised import Denoised, noisy_error
from hardsight.detectors.adapters.designs import DESIGNS
from hardsight.detectors.adapters.smoothed import Smoothed
from hardsight.detectors.advrad.errors import noisy_reference
from hardsight.detectors.advrad.maps import multiscale_error
from hardsight.detectors.mean_filter import mean_filter
from hardsight.diffusion import Denoiser
from hardsight.diffusion.schedule import Schedule


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 3, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(n, 3, 16, 16, generator=seeded(5), dtype=dtype)


class Mean(Detector):
    """Deterministic: the image's mean."""

    image_size = 16

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        maps = self.weight * images.mean(1, keepdim=True)
        return Detection(maps.flatten(1).mean(1), maps)


def test_a_draw_is_the_detector_on_the_noisy_image(make_advrad):
    detector, x = make_advrad(), images()
    smoothed = Smoothed(detector, 0.2)
    noise = smoothed.sample_noise(x, seeded())
    g = seeded()
    z, own = torch.randn(x.shape, generator=g), detector.sample_noise(x, g)
    expected = detector(x + 0.2 * z, own)
    found = smoothed(x, noise)
    assert torch.equal(found.pred_score, expected.pred_score)
    assert torch.equal(found.anomaly_map, expected.anomaly_map)
    assert smoothed.bypass[0] == "detector.denoiser"
    part = smoothed(x[1:2], noise[1:2]).pred_score  # noise is taken image by image
    torch.testing.assert_close(part, expected.pred_score[1:2])


def test_draws_are_noisy_copies_whatever_the_detector_averages_on_each(make_advrad):
    detector, x = make_advrad(), images(1)
    assert detector.draws == 2
    smoothed = Smoothed(detector, 0.2)
    found = ScoreObjective(smoothed, [False], draws=4)(x, seeded())
    copies = x.expand(4, -1, -1, -1)
    each = smoothed(copies, smoothed.sample_noise(copies, seeded())).pred_score
    torch.testing.assert_close(found, each.mean(0, keepdim=True))


def test_an_attack_reaches_the_optimum_of_a_linear_smoothed_score():
    x = 0.3 + 0.4 * images()
    smoothed = Smoothed(Mean(), 0.1)
    labels = torch.tensor([False, True, True])
    attack = PGD(L2(0.5), steps=10)
    worst = attack(ScoreObjective(smoothed, labels, draws=4), x, seeded()).images
    gain = (worst - x).flatten(1).mean(1)
    best = 0.5 / math.sqrt(x[0].numel())  # eps ||w||
    torch.testing.assert_close(gain, torch.tensor([best, -best, -best]), rtol=1e-3, atol=0)


def test_noise_that_is_not_of_floats_is_refused():
    seeds = Wrapped(lambda x: x.mean((1, 2, 3)), 16, seeded=True)
    with pytest.raises(TypeError, match="noise of floats"):
        Smoothed(seeds, 0.1)
    with pytest.raises(ValueError, match="sigma must be finite"):
        Smoothed(Mean(), 0.0)


def test_a_noisy_reference_is_that_of_noisy_normals(make_advrad):
    detector = make_advrad()
    before = detector.map_mean.clone()
    normals = (images(9) * 255).round().byte()
    found = noisy_reference(detector, normals, 0.1, seeded())
    x = normals.float() / 255
    errors = []
    g = seeded()
    with torch.no_grad():
        for batch in torch.split(x, 8):
            noisy = batch + 0.1 * torch.randn(batch.shape, generator=g)
            errors.append(detector.error_map(noisy, detector.sample_noise(noisy, g)))
    maps = mean_filter(torch.cat(errors), detector.scoring.filter_size)
    torch.testing.assert_close(found.map_mean[0], maps.mean(0))
    torch.testing.assert_close(found.map_spread[0], maps.std(0))
    assert torch.equal(detector.map_mean, before)
    assert found.denoiser is detector.denoiser
    single = DESIGNS["single"](detector, normals, 0.1, seeded())
    assert (single.draws, single.settings["draws"]) == (1, 1)
    assert (detector.draws, detector.settings["draws"]) == (2, 2)
    assert float(single.map_spread.mean()) > float(found.map_spread.mean())  # one draw varies more
    with pytest.raises(ValueError, match="sigma must be > 0"):
        noisy_reference(detector, normals, 0.0)


def test_the_step_matches_the_noise_and_none_is_added(make_advrad):
    detector, sigma = make_advrad(), 0.125
    denoised = Denoised(detector, sigma, images(8), seeded())
    schedule, k = detector.denoiser.schedule, denoised.detector.scoring.k
    levels = ((1 - schedule.alpha_bar(k)) / schedule.alpha_bar(k)).sqrt()
    assert float(levels) / 2 == pytest.approx(sigma, rel=0.02)
    x = images() + sigma * torch.randn(3, 3, 16, 16, generator=seeded(1))
    scale = float(schedule.alpha_bar(k)) ** 0.5
    expected = (detector.denoiser(scale * (2 * x - 1), k) + 1) / 2
    error = noisy_error(denoised.detector, x, denoised.scales)
    torch.testing.assert_close(error, multiscale_error(x, expected))
    assert denoised.sample_noise(x) is None
    assert torch.equal(denoised(x).pred_score, denoised(x).pred_score)
    assert detector.scoring.k == 100


class Gaussian(Denoiser):
    """The best denoiser of images N(0, s^2) in [-1, 1], pixel by pixel: E[x0 | x_t]."""

    s = 0.2

    def __init__(self) -> None:
        super().__init__(Schedule.linear())
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        bar = self.schedule.alpha_bar(t)
        gain = bar.sqrt() * self.s**2 / (bar * self.s**2 + 1 - bar)
        return x_t * float(gain)


def test_designs_on_gaussian_images_follow_their_closed_forms_and_agree(make_advrad):
    """Error y - r of y = x + noise, in [-1, 1]: (1 - a) y, and - a times the second noise."""
    detector = make_advrad(k=80, reference="error", aggregation="mean", draws=1, filter_size=1)
    detector.denoiser, sigma = Gaussian(), 0.1
    s2, n2 = Gaussian.s**2, (2 * sigma) ** 2
    normals = 0.5 + 0.1 * torch.randn(64, 3, 16, 16, generator=seeded(2))
    plain = DESIGNS["plain"](detector, normals.clamp(0, 1), sigma, seeded())
    denoise = DESIGNS["denoise"](detector, normals.clamp(0, 1), sigma, seeded())
    clean = 0.5 + 0.1 * torch.randn(400, 3, 16, 16, generator=seeded(3))
    y = clean + sigma * torch.randn(clean.shape, generator=seeded(4))
    d2 = float(detector.denoiser.schedule.sigma(80)) ** 2  # of the diffusion's own noise
    a, b = s2 / (s2 + d2), s2 / (s2 + n2)
    fine = (
        (1 - a) ** 2 * (s2 + n2) + a**2 * d2,
        (1 - b) ** 2 * (s2 + n2),
    )
    # noise is white: the error falls by the square of the scale; 1/4 for [0, 1] units
    scales = sum(1 / s**2 for s in (1, 2, 4, 8)) / 4 / 4
    noise = detector.sample_noise(y, seeded(6))
    scores = (plain(y, noise).pred_score, denoise(y).pred_score)
    for score, expected in zip(scores, fine, strict=True):
        assert float(score.mean()) == pytest.approx(expected * scales, rel=0.02)
    # images of rising deviation have the same order under both
    rising = 0.5 + torch.linspace(0.05, 0.25, 6).view(-1, 1, 1, 1) * (clean[:1] - 0.5) / 0.1
    smoothed = (Smoothed(plain, sigma), Smoothed(denoise, sigma))
    for detector in smoothed:
        many = rising.repeat(101, 1, 1, 1)
        score = detector(many, detector.sample_noise(many, seeded(7))).pred_score.view(101, 6)
        assert bool((score.median(0).values.diff() > 0).all())


def test_designs_refuse_what_they_cannot_do(make_advrad):
    normals, detector = images(4), Mean()
    assert DESIGNS["plain"](detector, normals, 0.1, None) is detector
    assert DESIGNS["as-is"](detector, normals, 0.1, None) is detector
    with pytest.raises(TypeError, match='choose "plain"'):
        DESIGNS["denoise"](detector, normals, 0.1, None)
    with pytest.raises(ValueError, match="no noise level of the diffusion"):
        Denoised(make_advrad(), 0.001, normals)


def test_noise_of_other_images_is_refused():
    smoothed, x = Smoothed(Mean(), 0.2), images()
    for given, other in ((x, x[:1]), (x[:1], x)):
        with pytest.raises(ValueError, match=f"noise is for {len(other)} images, got {len(given)}"):
            smoothed(given, smoothed.sample_noise(other))
