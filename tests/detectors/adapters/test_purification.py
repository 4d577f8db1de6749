import pytest
import torch
from tiny_detector import TINY

from hardsight.detectors import PurifiedDetector, as_detector
from hardsight.detectors.adapters.purification import Purification
from hardsight.diffusion import build_denoiser
from hardsight.purifiers import DDIMPurifier


@pytest.fixture
def denoiser():
    return build_denoiser(TINY | {"size": 16})


def test_depth_zero_is_the_detector_alone_and_others_are_behind_the_purifier(denoiser):
    detector = as_detector(lambda images: images.square().mean((1, 2, 3)), 16)
    several = Purification(denoiser, "ddim")
    assert several.before(detector, 0) is detector
    purified = several.before(detector, 100)
    assert isinstance(purified, PurifiedDetector)
    assert purified.title == "lambda behind DDIM purification"
    x = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    noise = purified.sample_noise(x, torch.Generator().manual_seed(0))
    clean = DDIMPurifier(denoiser, 100, 25)(x, noise.view(2, 1, 3, 16, 16))
    torch.testing.assert_close(purified(x, noise).pred_score, detector(clean).pred_score)


def test_the_noise_of_one_step_is_that_of_its_depth(denoiser):
    assert Purification(denoiser).purifier(60).k == 60


def test_what_is_no_depth_and_no_form_is_named(denoiser):
    last = denoiser.schedule.T - 1
    with pytest.raises(ValueError, match=rf"t\* must be 1 to {last} for this denoiser, got 5000"):
        Purification(denoiser).purifier(5000)
    with pytest.raises(ValueError, match="form must be one-shot or ddim, got 'rap'"):
        Purification(denoiser, "rap")
