"""A detector made of another, on the tiles of a picture."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from hardsight.attacks import PGD, Linf, ScoreObjective, bypassed, value_and_gradient
from hardsight.core.types import Detection
from hardsight.detectors import Detector, PatchGuard, Smoothed, Tiled, Wrapped


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int = 2, size=(40, 52), dtype: torch.dtype = torch.float32) -> Tensor:
    return 0.3 + 0.4 * torch.rand(n, 3, *size, generator=seeded(5), dtype=dtype)


class Pixels(Detector):
    """Each pixel's own square, plus noise times the pixel; the score is the map's maximum."""

    image_size = 16

    def __init__(self, noisy: bool = False, blur: int = 1) -> None:
        super().__init__()
        self.noisy, self.random, self.blur = noisy, noisy, blur
        self.scale = torch.nn.Parameter(torch.tensor(2.0))
        self.rows: list[int] = []

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None):
        shape = images[:, :1].shape
        return torch.randn(shape, generator=generator, dtype=images.dtype) if self.noisy else None

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        self.rows.append(len(images))
        maps = self.scale.to(images) * images.square().mean(1, keepdim=True)
        if self.noisy:
            noise = self.sample_noise(images) if noise is None else noise
            maps = maps + 0.1 * noise * images.mean(1, keepdim=True)
        if self.blur > 1:
            reach = self.blur // 2
            maps = F.avg_pool2d(maps, self.blur, 1, reach, count_include_pad=False)
        return Detection(maps.flatten(1).amax(1), maps)


def test_the_map_of_a_detector_of_pixels_is_the_untiled_one_to_the_last_bit():
    detector, x = Pixels(), pictures()
    tiled = Tiled(detector, (40, 52), overlap=0.3)
    found, whole = tiled(x), detector(x)
    assert torch.equal(found.anomaly_map, whole.anomaly_map)
    assert torch.equal(found.pred_score, whole.pred_score)
    assert (tiled.size, tiled.image_size, tiled.sample_noise(x)) == ((40, 52), 52, None)


def test_the_score_is_that_of_the_worst_tile_with_its_own_noise():
    detector, x = Pixels(noisy=True), pictures()
    tiled = Tiled(detector, (40, 52))
    noise = tiled.sample_noise(x, seeded(1))
    assert noise.shape == (2, len(tiled.tiles), 1, 16, 16)
    found = tiled(x, noise).pred_score.detach()
    for b in range(2):
        scores = []
        for t, (top, left) in enumerate(tiled.tiles.corners):
            tile = x[b : b + 1, :, top : top + 16, left : left + 16]
            scores.append(float(detector(tile, noise[b, t : t + 1]).pred_score.detach()))
        assert float(found[b]) == pytest.approx(max(scores))


def test_noise_given_is_noise_drawn():
    x = pictures()
    tiled = Tiled(Pixels(noisy=True), (40, 52))
    noise = tiled.sample_noise(x, seeded(3))
    assert torch.equal(tiled(x, noise).anomaly_map, tiled(x, noise).anomaly_map)
    drawn = tiled.predict(x, seeded(3), batch_size=2)
    assert torch.equal(drawn.anomaly_map, tiled(x, noise).anomaly_map.detach())
    alone = tiled(x[1:], noise[1:])  # a picture's noise is its own
    torch.testing.assert_close(alone.pred_score, tiled(x, noise).pred_score[1:])


def test_tiles_pass_a_few_at_a_time_and_the_gradient_is_exact():
    """In double precision, against central differences along random directions."""
    detector = Pixels(noisy=True, blur=3).double()
    tiled = Tiled(detector, (64, 80), overlap=0.4)
    x = pictures(2, (64, 80), torch.float64)
    noise = tiled.sample_noise(x, seeded(2))
    weight = torch.rand(2, 1, 64, 80, generator=seeded(3), dtype=torch.float64)

    def objective(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        found = tiled(images, noise)
        return found.pred_score + (weight * found.anomaly_map).flatten(1).sum(1)

    detector.rows.clear()
    _, gradient = value_and_gradient(objective, x)
    assert max(detector.rows) <= 16
    assert sum(detector.rows) == 2 * 2 * len(tiled.tiles)  # once more, backwards
    for seed in range(4):
        v = torch.randn(x.shape, generator=seeded(seed), dtype=torch.float64)
        h = 1e-6
        slope = (objective(x + h * v) - objective(x - h * v)) / (2 * h)
        torch.testing.assert_close((gradient * v).flatten(1).sum(1), slope, rtol=1e-6, atol=1e-8)


def test_seams_are_no_larger_than_what_a_border_does_to_the_detector():
    """A blur of 5 x 5 errs within 2 pixels of a tile's border, and only there."""
    detector, x = Pixels(blur=5), pictures()
    tiled = Tiled(detector, (40, 52), overlap=0.25)
    apart = (tiled(x).anomaly_map - detector(x).anomaly_map).abs().detach().amax(0)[0]
    near = torch.zeros(40, 52, dtype=torch.bool)
    worst = 0.0
    for top, left in tiled.tiles.corners:
        edge = torch.ones(16, 16, dtype=torch.bool)
        edge[2:-2, 2:-2] = False
        near[top : top + 16, left : left + 16] |= edge
        own = detector(x[:, :, top : top + 16, left : left + 16]).anomaly_map
        whole = detector(x).anomaly_map[:, :, top : top + 16, left : left + 16]
        worst = max(worst, float((own - whole).abs().max().detach()))
    assert float(apart[~near].max()) < 1e-6
    assert float(apart.max()) < 0.5 * worst  # blended: the tile that ends there weighs little
    hard = Tiled(detector, (40, 52), overlap=0.0)
    seams = (hard(x).anomaly_map - detector(x).anomaly_map).abs().detach()
    assert float(seams.max()) > float(apart.max())


def test_a_tiled_detector_is_attacked_smoothed_and_calibrated_like_any():
    detector = Pixels()
    tiled = Tiled(detector, (40, 52))
    x = pictures()
    labels = torch.tensor([False, True])
    attack = PGD(Linf(0.05), steps=10, random_start=False)
    worst = attack(ScoreObjective(tiled, labels), x, seeded()).images
    before, after = (tiled(v).pred_score.detach() for v in (x, worst))
    bright = (x[0] + 0.05).square().mean(0).max() * 2  # the score of the brightest pixel, raised
    torch.testing.assert_close(after[0], bright.detach(), rtol=1e-4, atol=0)
    assert float(after[1]) < float(before[1])
    smoothed = Smoothed(tiled, 0.1)
    noise = smoothed.sample_noise(x, seeded(1))
    torch.testing.assert_close(
        smoothed(x, noise).pred_score, tiled(x + 0.1 * noise.view_as(x)).pred_score
    )
    found = tiled.calibrate(pictures(30))
    assert float(found.predict(pictures(30)).pred_score.max()) <= found.calibration.threshold


def test_where_there_are_no_maps_the_map_shows_the_tiles_scores():
    tiled = Tiled(Wrapped(lambda x: x.mean((1, 2, 3)), 16), 32, overlap=0.0)
    assert tiled.has_maps
    x = torch.zeros(1, 3, 32, 32)
    x[:, :, 16:, 16:] = 1.0
    found = tiled(x)
    assert torch.equal(found.anomaly_map, x[:, :1])
    assert found.pred_score.tolist() == [1.0]
    seeds = Tiled(Wrapped(lambda x: x.mean((1, 2, 3)) + torch.rand(1), 16, seeded=True), 32)
    noise = seeds.sample_noise(x, seeded())
    assert torch.equal(seeds(x, noise).pred_score, seeds(x, noise).pred_score)


def test_patchguard_in_tiles_is_its_worst_tile():
    backbone = {
        "name": "vit",
        "architecture": "vit_tiny_patch16_224",
        "patch_size": 8,
        "depth": 1,
        "embed_dim": 12,
        "num_heads": 3,
    }
    detector = PatchGuard(backbone=backbone, image_size=32, k=2, precision="fp32").eval()
    tiled, x = Tiled(detector, 48), pictures(1, (48, 48))
    each = torch.stack(
        [detector(x[:, :, a : a + 32, b : b + 32]).pred_score for a, b in tiled.tiles.corners]
    )
    torch.testing.assert_close(tiled(x).pred_score, each.amax(0))
    assert tiled.settings["size"] == (48, 48)


def test_what_cannot_be_tiled_says_so(make_advrad):
    with pytest.raises(TypeError, match="tile=16"):
        Tiled(make_advrad(), 32)
    with pytest.raises(ValueError, match="larger pictures"):
        Tiled(Pixels(), (12, 40))
    with pytest.raises(ValueError, match=r"\(B, 3, 40, 52\).*size=\(40, 52\)"):
        Tiled(Pixels(), (40, 52)).predict(pictures(1, (40, 40)))


def test_a_bypass_leads_into_the_detector():
    detector = Pixels()
    detector.inner = torch.nn.Identity()
    detector.bypass = ("inner", torch.sin)
    tiled = Tiled(detector, 32)
    assert tiled.bypass == ("detector.inner", torch.sin)
    with bypassed(tiled, *tiled.bypass) as stand_in:
        assert tiled.detector.inner is stand_in
