import math

import numpy as np
import pytest
import torch
from skimage.transform import swirl as skimage_swirl

from hardsight.synthesis.distortions import LEVELS, OPERATIONS, Level, distort
from hardsight.synthesis.recolouring import erase, jitter, lines, perlin
from hardsight.synthesis.warps import elastic, swirl


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 4, side: int = 48) -> torch.Tensor:
    y, x = torch.meshgrid(torch.linspace(0, 1, side), torch.linspace(0, 1, side), indexing="ij")
    smooth = torch.stack((x, y, 0.5 + 0.4 * torch.sin(9 * x * y))).expand(n, -1, -1, -1)
    return (smooth + 0.05 * torch.rand(n, 3, side, side, generator=generator(9))).clamp(0, 1)


def extents(x: torch.Tensor, part: float = 0.8) -> torch.Tensor:
    return torch.full((len(x), 2), part * x.shape[-1])


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_keep_shape_and_range_and_repeat_by_seed(name):
    x = images()
    amount = torch.tensor([0.5, 1.0, 1.5, 2.0]) if name != "jpeg" else torch.full((4,), 10.0)
    amount = amount / 10 if name == "erase" else amount * 30 if name == "elastic" else amount
    first, again, other = (
        OPERATIONS[name](x, extents(x), amount, generator(seed)) for seed in (0, 0, 1)
    )
    assert first.shape == x.shape
    assert torch.equal(first, again)
    assert not torch.equal(first, x)
    assert (first.min() >= -1e-6) & (first.max() <= 1 + 1e-6)
    assert torch.equal(first, other) == (name in ("blur", "jpeg"))


def test_swirl_is_that_of_scikit_image():
    x = images(1, 49)
    found = swirl(x, torch.tensor([[30.0, 40.0]]), torch.tensor([1.5]), generator())[0]
    expected = [
        skimage_swirl(x[0, 0].numpy(), center=(24, 24), strength=s, radius=40, order=1, mode="edge")
        for s in (1.5, -1.5)
    ]
    assert min(np.abs(found[0].numpy() - e)[1:-1, 1:-1].max() for e in expected) < 1e-3


def test_elastic_moves_more_with_alpha_and_nothing_without():
    x = images(3)
    found = elastic(x, extents(x), torch.tensor([0.0, 20.0, 100.0]), generator())
    moved = (found - x).abs().mean((1, 2, 3))
    assert moved[0] < 1e-6 < moved[1] < moved[2]


def test_jitter_without_amount_is_nothing_and_hue_keeps_the_luminance():
    x = images()
    zero = torch.zeros(4)
    torch.testing.assert_close(jitter(x, zero, zero, generator()), x, atol=1e-5, rtol=0)
    pale = 0.4 + 0.2 * x
    turned = jitter(pale, zero, torch.full((4,), 0.5), generator())
    luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    torch.testing.assert_close((turned * luma).sum(1), (pale * luma).sum(1), atol=1e-3, rtol=0)
    assert (turned - pale).abs().mean() > 0.01


def test_lines_are_thin_of_corner_colours_and_inside_the_patch():
    x = torch.full((8, 3, 48, 48), 0.5)
    found = lines(x, torch.full((8, 2), 20.0), torch.ones(8), generator())
    drawn = (found != 0.5).any(1)
    assert set(found[drawn[:, None].expand_as(found)].unique().tolist()) == {0.0, 1.0}
    assert drawn.flatten(1).any(1).all()
    assert not drawn[:, :13].any()
    assert not drawn[:, :, -13:].any()
    assert drawn[:, 14:34, 14:34].float().mean() < 0.7


def test_erased_share_is_as_asked():
    x = torch.full((64, 3, 60, 60), 2.0)  # a colour no rectangle has
    share = torch.full((64,), 0.15)
    gone = (erase(x, torch.full((64, 2), 60.0), share, generator()) != 2).all(1).float()
    mean = float(gone.mean())
    assert 0.09 < mean < 0.16  # rectangles may overlap


def test_erasure_stays_inside_the_patch():
    x = torch.full((64, 3, 40, 60), 2.0)
    extent = torch.tensor([[40.0, 11.0], [17.0, 60.0]]).repeat(32, 1)
    gone = (erase(x, extent, torch.full((64,), 0.2), generator()) != 2).all(1)
    assert gone.flatten(1).any(1).all()
    rows, columns = gone.any(2), gone.any(1)
    assert not columns[::2, :24].any()
    assert not columns[::2, 36:].any()
    assert not rows[1::2, :11].any()
    assert not rows[1::2, 29:].any()
    assert columns[1::2, 0].any()
    assert rows[::2, -1].any()


def test_perlin_is_zero_on_its_lattice_smooth_and_centred():
    like = torch.zeros(16, 1, 64, 64)
    noise = perlin(like, torch.full((16,), 32.0), generator(), octaves=1)
    assert noise.abs().max() <= 1
    assert abs(float(noise.mean())) < 0.1
    step = (noise[..., 1:] - noise[..., :-1]).abs().max()
    assert step < 4 / 32
    rough = perlin(like, torch.full((16,), 32.0), generator(), octaves=6)
    assert (rough[..., 1:] - rough[..., :-1]).abs().max() > step


def test_a_level_without_operations_only_jitters():
    calm = Level(share=1.0, most=0, amounts={}, jitter=(0.0, 0.0), hue=0.0)
    x = images()
    torch.testing.assert_close(distort(x, extents(x), generator(), (calm,)), x, atol=1e-5, rtol=0)


def test_heavier_levels_change_more():
    x = images(64)
    change = [float((distort(x, extents(x), generator(), (v,)) - x).abs().mean()) for v in LEVELS]
    assert change[0] < change[1] < change[2]
    assert math.isclose(sum(v.share for v in LEVELS), 1)


def test_distortion_leaves_its_argument_alone():
    x = images()
    before = x.clone()
    distort(x, extents(x), generator())
    assert torch.equal(x, before)
