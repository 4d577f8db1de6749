import hashlib

import pytest
import skimage.data
import torch
import torch.nn.functional as F
from tiny_detector import TINY

from hardsight.core.starts import BUNDLED
from hardsight.data import load
from hardsight.detectors import AdvRAD
from hardsight.detectors.advrad.recipe import AdvRADFit
from hardsight.detectors.advrad.start import Start, take_over
from hardsight.diffusion import one_shot
from hardsight.training import Settings

FAST = {"name": "fast", "channels": 48, "patch": 4}
KEPT = AdvRADFit(training=Settings(steps=0), start="photographs")


def test_the_card_names_the_weights():
    folder = BUNDLED["photographs"]
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert digest in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("size", [64, 128])
def test_the_bundled_start_removes_noise_from_pictures_it_has_not_seen(size):
    cat = torch.from_numpy(skimage.data.chelsea()).permute(2, 0, 1)[None, :, :256, :256]
    images = F.interpolate(cat.float() / 127.5 - 1, (size, size), mode="area")
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    detector = AdvRAD(denoiser=FAST, image_size=size).eval()
    take_over(detector, Start.read("photographs"))
    with torch.no_grad():
        left = one_shot(detector.denoiser, images, 100, noise) - images
    added = noise * detector.denoiser.schedule.sigma(100)
    assert left.square().mean() < 0.3 * added.square().mean()


def test_a_fit_of_no_steps_keeps_the_bundled_denoiser(parts):
    data = load(parts, size=32)
    fitted = AdvRAD(denoiser=FAST, image_size=32).fit(data, KEPT)
    for name, weights in Start.read("photographs").part("denoiser").items():
        torch.testing.assert_close(fitted.denoiser.state_dict()[name], weights.float())


def test_a_mistyped_bundled_start_is_answered_by_it_whatever_lies_near(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(ValueError, match="did you mean 'photographs'"):
        Start.read(tmp_path / "fotographs")
    with pytest.raises(ValueError, match=r"did you mean '.*photos'"):
        Start.read(tmp_path / "fotos")


@pytest.mark.parametrize(
    ("names", "said"), [((), "photographs, none"), ((BUNDLED,), "photographs")]
)
def test_a_start_that_is_not_there_is_answered_by_all_that_may_be_named(tmp_path, names, said):
    with pytest.raises(ValueError, match=f"does not exist; .*, or choose from {said}$"):
        Start.read(tmp_path / "qqq", "start", *names)


def test_another_network_is_refused():
    with pytest.raises(ValueError, match=r"detector\.denoiser\.channels=48 \(here 8\)"):
        take_over(AdvRAD(denoiser=TINY, image_size=16), Start.read("photographs"))


def test_weights_that_their_own_settings_do_not_describe_are_refused():
    bundled = Start.read("photographs")
    wrong = Start(bundled.settings | {"denoiser": TINY}, bundled.weights)
    said = "the denoiser of start is not the one that its own config.json describes"
    with pytest.raises(ValueError, match=said):
        take_over(AdvRAD(denoiser=TINY, image_size=16), wrong)
    with pytest.raises(ValueError, match=said):
        wrong.trained(16)
