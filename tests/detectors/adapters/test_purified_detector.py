import copy

import numpy as np
import pytest
import torch
from torch import Tensor

import hardsight
from bright import Bright
from hardsight.attacks import PGD, Linf, ScoreObjective, ScoreVictim, build_suite
from hardsight.attacks.gradients import value_and_gradient
from hardsight.detectors import PurifiedDetector, Wrapped
from hardsight.diffusion import FastDenoiser
from hardsight.evaluation import Protocol, evaluate
from hardsight.purifiers import DDIMPurifier, OneShot, Purifier

LABELS = torch.tensor([False, True, True])


class Identity(Purifier):
    """Leaves images as they are."""

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        return images


class Shift(Purifier):
    """Adds noise to each pixel, and halves it."""

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        assert noise is not None
        return (images + noise) / 2

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.randn(images.shape, generator=generator, dtype=images.dtype)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(dtype: torch.dtype = torch.float32) -> Tensor:
    return 0.3 + 0.4 * torch.rand(3, 3, 16, 16, generator=seeded(5), dtype=dtype)


def denoiser() -> FastDenoiser:
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        return FastDenoiser(16, channels=8, multipliers=(1, 1), patch=2).eval()


def test_a_score_is_the_mean_of_the_detector_on_each_purification(make_advrad):
    detector, x = make_advrad(), images()
    purifier = OneShot(denoiser(), 0.1)
    purified = PurifiedDetector(purifier, detector, draws=3)
    noise = purified.sample_noise(x, seeded())
    g = seeded()
    many = x.repeat_interleave(3, dim=0)
    clean = purifier(many, purifier.sample_noise(many, g))
    expected = detector(clean, detector.sample_noise(many, g))
    found = purified(x, noise)
    torch.testing.assert_close(found.pred_score, expected.pred_score.view(3, 3).mean(1))
    torch.testing.assert_close(
        found.anomaly_map, expected.anomaly_map.view(3, 3, 1, 16, 16).mean(1)
    )
    torch.testing.assert_close(purified.score_only(x, noise).pred_score, found.pred_score)
    torch.testing.assert_close(purified.purify(x, noise).flatten(0, 1), clean)
    alone = purified(x[1:2], noise[1:2])  # noise is taken image by image
    torch.testing.assert_close(alone.pred_score, found.pred_score[1:2])
    assert purified.draws == 3 * detector.draws


@pytest.mark.parametrize(
    ("detector", "length"),
    [(Bright(), 4 * 3 * 16 * 16), (Bright(noise=0.1), 4 * (3 * 16 * 16 + 1))],
)
def test_the_noise_is_that_of_both_for_every_draw(detector, length):
    purified = PurifiedDetector(Shift(), detector, draws=4)
    assert purified.sample_noise(images(), seeded()).shape == (3, length)
    assert purified.random
    x = images()
    assert torch.equal(purified.decision_noise(x)[0], purified.decision_noise(x)[2])


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_purifier_that_does_nothing_changes_nothing(noise):
    detector, x = Bright(noise=noise), images()
    purified = PurifiedDetector(Identity(), detector, draws=5)
    assert (purified.draws, purified.random) == (1, noise > 0)
    drawn = detector.sample_noise(x, seeded())
    found = purified(x, purified.sample_noise(x, seeded()))
    assert torch.equal(found.pred_score, detector(x, drawn).pred_score)
    assert torch.equal(found.anomaly_map, detector(x, drawn).anomaly_map)
    assert torch.equal(purified.predict(x).pred_score, detector.predict(x).pred_score)


def test_the_gradient_is_that_of_finite_differences(make_advrad):
    detector = make_advrad(precision="fp32").double()
    purifier = DDIMPurifier(denoiser().double(), depth=60, skip=20)
    purified = PurifiedDetector(purifier, detector, draws=2)
    x = images(torch.float64)
    objective = ScoreObjective(purified, LABELS, noise=purified.sample_noise(x, seeded()))
    _, slope = value_and_gradient(objective, x)
    step = torch.randn(x.shape, generator=seeded(2), dtype=x.dtype)
    h = 1e-5
    with torch.no_grad():
        measured = (objective(x + h * step) - objective(x - h * step)) / (2 * h)
    torch.testing.assert_close((slope * step).flatten(1).sum(1), measured, rtol=1e-5, atol=1e-9)


def test_an_attack_goes_through_the_purifier():
    purified = PurifiedDetector(Shift(), Bright(), draws=2)
    x = images()
    worst = PGD(Linf(0.1), steps=5)(ScoreObjective(purified, LABELS), x, seeded()).images
    gain = (worst - x).flatten(1).mean(1)  # half of it passes the purifier
    torch.testing.assert_close(gain, torch.tensor([0.1, -0.1, -0.1]))


def test_a_bpda_goes_round_the_purifier_and_leaves_its_noise():
    detector = Bright()
    purified = PurifiedDetector(Shift(), detector, draws=2)
    suite = build_suite("bpda-eot", eps=0.1, steps=3, draws=2, objectives=("score",))
    found = suite(ScoreVictim(purified, LABELS), images(), seeded())
    assert float((found.images - images()).abs().max()) == pytest.approx(0.1, rel=1e-5)
    assert isinstance(purified.purifier, Shift)


def test_it_is_evaluated_and_shown_as_any_detector(make_set):
    data = make_set(normal=[90, 100, 110], anomalous=[130, 140, 150])
    purified = PurifiedDetector(Shift(), Bright()).calibrate(data.validation.images())
    result = evaluate(
        purified,
        data,
        [build_suite("pgd", eps=0.1, steps=3, objectives=("score",))],
        protocol=Protocol(fresh_draws=2, gallery=2),
    )
    clean, attacked = (r for r in result.rows if (r.metric, r.target) == ("AUROC", "image"))
    assert clean.mean.value == 1
    assert attacked.mean.value < 1
    scores = result.outputs["pgd"] - result.outputs["clean"]
    harm = np.where(result.labels, -0.05, 0.05)  # eps, halved by the purifier
    np.testing.assert_allclose(scores, np.broadcast_to(harm[:, None], scores.shape), atol=1e-6)
    shown = result.gallery[0]
    assert shown.reconstruction is not None
    assert not torch.allclose(shown.reconstruction, shown.image, atol=0.01)


def test_copies_settings_and_refusals():
    purified = PurifiedDetector(Shift(), Bright(), draws=2)
    twin, x = copy.deepcopy(purified), images()
    noise = purified.sample_noise(x, seeded())
    assert torch.equal(twin(x, noise).pred_score, purified(x, noise).pred_score)
    assert purified.settings == {"purifier": Shift().settings, "purifications": 2}
    assert hardsight.PurifiedDetector is PurifiedDetector
    with pytest.raises(ValueError, match="draws must be at least 1"):
        PurifiedDetector(Shift(), Bright(), draws=0)
    seeds = Wrapped(lambda x: x.mean((1, 2, 3)), 16, seeded=True)
    with pytest.raises(TypeError, match="noise of floats"):
        PurifiedDetector(Identity(), seeds)
