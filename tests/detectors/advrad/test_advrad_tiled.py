"""AdvRAD on large pictures: the denoiser sees tiles, all the rest is the picture's."""

import json
from types import SimpleNamespace

import pytest
import torch
from tiny_detector import tiny_advrad, untrained_advrad
from torch import Tensor

from hardsight.attacks import ScoreObjective, bypassed, value_and_gradient
from hardsight.data import Tiles
from hardsight.detectors import AdvRAD, Smoothed, Tiling
from hardsight.detectors.adapters.designs import DESIGNS
from hardsight.detectors.advrad.choice import score_map_filters
from hardsight.detectors.advrad.errors import error_maps
from hardsight.detectors.advrad.maps import multiscale_error
from hardsight.detectors.advrad.recipe import AdvRADFit
from hardsight.detectors.advrad.selection import Selection
from hardsight.detectors.advrad.tiling import with_coarse
from hardsight.detectors.mean_filter import mean_filter
from hardsight.detectors.stages import ATTACK_STEP, FORWARD
from hardsight.diffusion import TiledDenoiser, arbitrary_shot, one_shot
from hardsight.training import Settings


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int = 2, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(n, 3, 40, 40, generator=seeded(5), dtype=dtype)


def tiled_advrad(**settings) -> AdvRAD:
    return tiny_advrad(**{"image_size": 40, "tile": 16} | settings)


def test_tile_by_tile_with_the_pictures_noise():
    """The score written out: cut, reconstruct, blend; then everything on the whole picture."""
    detector, x = tiled_advrad(reference="deviation", aggregation="max", draws=1), pictures()
    noise = detector.sample_noise(x, seeded())
    assert noise.shape == (2, 1, 3, 40, 40)
    tiles = Tiles((40, 40), (16, 16), 0.25)
    r = torch.stack(
        [
            torch.cat(
                [
                    one_shot(
                        detector.denoiser,
                        2 * x[b : b + 1, :, top : top + 16, left : left + 16] - 1,
                        detector.scoring.k,
                        noise[b : b + 1, 0, :, top : top + 16, left : left + 16],
                    )
                    for top, left in tiles.corners
                ]
            )
            for b in range(2)
        ]
    )
    r = (tiles.join(r.flatten(0, 1)) + 1) / 2
    expected = (mean_filter(multiscale_error(x, r), 3) - detector.map_mean).abs()
    found = detector(x, noise)
    torch.testing.assert_close(found.anomaly_map, expected)
    torch.testing.assert_close(found.pred_score, expected.flatten(1).amax(1))


def test_a_fit_announces_its_looks_at_whole_pictures_by_the_passes_they_take():
    detector, seen = tiled_advrad(draws=2, overlap=0.5), []
    data = SimpleNamespace(train=range(10), validation=range(4), categories=())
    config = AdvRADFit(training=Settings(steps=7, batch_size=2))
    first = next(m for m in detector.denoiser.modules() if isinstance(m, torch.nn.Conv2d))
    first.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    error_maps(detector, pictures(10))
    stages = config.stages_on(detector, data)
    assert list(stages) == ["train", "reference", "calibration"]
    assert stages["train"] == 7
    assert stages["reference"] == pytest.approx(FORWARD * sum(seen) / 2)
    assert stages["calibration"] == pytest.approx(0.4 * stages["reference"])


def test_a_fit_announces_the_attack_that_chooses_the_filter_of_its_map():
    detector, seen = tiled_advrad(overlap=0.5), []
    chosen = Selection(images=4, attacked=5, copies=2, steps=3, draws=2, map_filter_sizes=(1,))
    config = AdvRADFit(training=Settings(steps=7, batch_size=2), selection=chosen)
    held_out = (pictures(5) * 255).to(torch.uint8)
    data = SimpleNamespace(train=range(10), validation=held_out, categories=())
    evidence = chosen.evidence(held_out[::2], 0)
    first = next(m for m in detector.denoiser.modules() if isinstance(m, torch.nn.Conv2d))
    first.register_forward_pre_hook(
        lambda _, given: seen.append(len(given[0]) * torch.is_grad_enabled())
    )
    score_map_filters(detector, evidence, chosen, seeded())
    steps = sum(seen) / 4  # the last image is looked at, and its gradient once more
    stages = config.stages_on(detector, data)
    assert list(stages) == ["train", "selection", "reference", "localise", "calibration"]
    assert stages["localise"] == pytest.approx(ATTACK_STEP * steps * 3 / 2)


def test_one_tile_is_the_untiled_detector():
    whole = tiny_advrad()
    tiled = tiny_advrad(tile=16, overlap=0.5)
    tiled.load_state_dict(whole.state_dict())
    x = pictures()[:, :, :16, :16]
    noise = whole.sample_noise(x, seeded())
    assert torch.equal(tiled.eval()(x, noise).anomaly_map, whole(x, noise).anomaly_map)


def means(x: Tensor, n: int) -> Tensor:
    """Means of n x n pixels, written out: (B, C, H, W) -> (B, C, H / n, W / n)."""
    b, c, h, w = x.shape
    return x.view(b, c, h // n, n, w // n, n).mean((3, 5))


@pytest.mark.parametrize("shots", [1, 3])
def test_at_two_scales_the_coarse_structure_is_that_of_the_whole_picture(shots):
    """The tiles' reconstruction, but for its means over 3 x 3 pixels, which a shrunk picture has.

    Its noise are those of the picture's own, made as strong as the schedule has it.
    """
    both = tiny_advrad(image_size=48, tile=16, two_scales=True, shots=shots, draws=2)
    tiled = tiny_advrad(image_size=48, tile=16, shots=shots, draws=2)
    small = tiny_advrad(image_size=16, shots=shots, draws=2)
    x = torch.rand(2, 3, 48, 48, generator=seeded(5))
    noise = both.sample_noise(x, seeded())
    fine = tiled.reconstruct(x, noise).flatten(0, 1)
    less = means(noise.flatten(0, -4), 3).view(*noise.shape[:-2], 16, 16) * 3
    coarse = small.reconstruct(means(x, 3), less).flatten(0, 1)
    change = torch.nn.functional.interpolate(coarse - means(fine, 3), (48, 48), mode="bilinear")
    found = both.reconstruct(x, noise)
    torch.testing.assert_close(found.flatten(0, 1), fine + change)
    # the means over nine of independent draws, three times as strong
    assert float(less.std()) == pytest.approx(1, abs=0.05)


def test_what_tiles_and_whole_agree_on_is_kept():
    flat, n = torch.rand(2, 3, 1, 1, generator=seeded()).expand(2, 3, 32, 32), 4
    torch.testing.assert_close(with_coarse(flat, means(flat, n), n), flat)
    ramp = torch.linspace(0, 1, 32).expand(1, 1, 32, 32)
    torch.testing.assert_close(with_coarse(ramp, means(ramp, n), n), ramp)


@pytest.mark.parametrize("two_scales", [False, True])
@pytest.mark.parametrize("shots", [1, 3])
def test_the_gradient_is_exact(shots, two_scales):
    how = {"image_size": 32, "two_scales": True} if two_scales else {}
    detector = tiled_advrad(shots=shots, aggregation="top:0.1", **how).double()
    x = pictures(2, torch.float64)[:, :, : detector.image_size, : detector.image_size]
    noise = detector.sample_noise(x, seeded())
    objective = ScoreObjective(detector, torch.tensor([False, True]), noise=noise)
    _, gradient = value_and_gradient(objective, x)
    for seed in range(3):
        v = torch.randn(x.shape, generator=seeded(seed), dtype=torch.float64)
        h = 1e-6
        slope = (objective(x + h * v) - objective(x - h * v)) / (2 * h)
        torch.testing.assert_close((gradient * v).flatten(1).sum(1), slope, rtol=1e-5, atol=1e-8)


class Local(torch.nn.Module):
    """A denoiser with a variance of its own, pixel by pixel; tiles must not be seen."""

    def __init__(self, denoiser) -> None:
        super().__init__()
        self.schedule = denoiser.schedule

    def forward(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        return self.predict(x_t, t)[0]

    def predict(self, x_t: Tensor, t: int | Tensor) -> tuple[Tensor, Tensor]:
        level = torch.as_tensor(t).to(x_t).view(-1, 1, 1, 1)
        return (x_t / (1 + level / 500)).tanh(), -5 + 0.1 * x_t.tanh()


def test_a_denoiser_of_pixels_is_itself_in_tiles_its_variance_too():
    local = Local(tiny_advrad().denoiser)
    tiled = TiledDenoiser(local, Tiles((40, 56), (16, 16), 0.3))
    x = torch.randn(2, 3, 40, 56, generator=seeded())
    for t in (30, torch.tensor([30, 70])):
        for a, b in zip(tiled.predict(x, t), local.predict(x, t), strict=True):
            assert torch.equal(a, b)
    noise = torch.randn(2, 3, 3, 40, 56, generator=seeded(1))
    steps = (10, 40, 90)
    expected = arbitrary_shot(local, x, steps, noise)
    assert torch.equal(arbitrary_shot(tiled, x, steps, noise), expected)


def test_saved_and_loaded_it_scores_the_same(tmp_path):
    detector, x = tiled_advrad(overlap=0.5), pictures()
    noise = detector.sample_noise(x, seeded())
    detector.save_pretrained(tmp_path)
    loaded = AdvRAD.from_pretrained(tmp_path)
    assert (loaded.tiling, len(loaded.tiles)) == (Tiling(16, 0.5), 16)
    assert torch.equal(loaded(x, noise).pred_score, detector(x, noise).pred_score)


def test_whole_images_are_recorded_as_ever(tmp_path):
    """Else a fit from before there were tiles would no longer be the one that was audited."""
    tiny_advrad().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    for settings in (config, AdvRAD.from_pretrained(tmp_path).settings):
        assert not {"tile", "overlap", "two_scales"} & set(settings)


def test_it_is_smoothed_denoised_and_bypassed_like_any():
    detector, x = tiled_advrad(), pictures(3)
    plain = DESIGNS["plain"](detector, x, 0.125, seeded())
    assert plain.map_mean.shape == (1, 1, 40, 40)
    smoothed = Smoothed(plain, 0.125)
    noise = smoothed.sample_noise(x, seeded(1))
    z, own = noise[:, : 3 * 1600].view(3, 3, 40, 40), noise[:, 3 * 1600 :].view(3, 2, 3, 40, 40)
    expected = plain(x + 0.125 * z, own).pred_score
    torch.testing.assert_close(smoothed(x, noise).pred_score, expected)
    denoised = DESIGNS["denoise"](detector, x, 0.125, seeded())
    assert denoised(x).anomaly_map.shape == (3, 1, 40, 40)
    noise = detector.sample_noise(x, seeded())
    exact = value_and_gradient(lambda v, g=None: detector(v, noise).pred_score, x)
    with bypassed(detector, *detector.bypass):
        around = value_and_gradient(lambda v, g=None: detector(v, noise).pred_score, x)
    torch.testing.assert_close(around[0], exact[0])  # the same score, another gradient
    assert not torch.allclose(around[1], exact[1])


def test_sizes_that_do_not_fit_are_refused_at_once():
    with pytest.raises(ValueError, match="multiple of 8, got 36"):
        untrained_advrad(image_size=36, tile=16)
    with pytest.raises(ValueError, match="take smaller tiles"):
        untrained_advrad(image_size=16, tile=32)
    with pytest.raises(ValueError, match="size must be a multiple of the tile, as 48"):
        untrained_advrad(image_size=40, tile=16, two_scales=True)
    with pytest.raises(ValueError, match="size must be a multiple"):
        untrained_advrad(image_size=40, tile=15)
