import pytest
import torch
from scipy.ndimage import binary_dilation

from hardsight.synthesis.cutpaste import CutPaste, _runs, dilated
from hardsight.synthesis.distortions import Level

CALM = (Level(share=1.0, most=0, amounts={}, jitter=(0.0, 0.0), hue=0.0),)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def discs(n: int = 6, side: int = 64) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return torch.stack([(y - 32) ** 2 + (x - 30) ** 2 < r**2 for r in range(20, 20 + n)])[:, None]


def images(n: int = 6, side: int = 64) -> torch.Tensor:
    return torch.rand(n, 3, side, side, generator=generator(3))


@pytest.mark.parametrize("dim", [1, 2])
def test_runs_are_counted(dim):
    inside = torch.rand(2, 9, 7, generator=generator()) > 0.3
    found = _runs(inside, dim)
    for b in range(2):
        for y in range(9):
            for x in range(7):
                line = inside[b, y:, x] if dim == 1 else inside[b, y, x:]
                run = next((i for i, v in enumerate(line.tolist()) if not v), len(line))
                assert found[b, y, x] == run


def test_rectangles_lie_in_the_foreground_at_both_ends():
    where = discs()
    maker = CutPaste(smallest=0.1)
    sizes = set()
    for seed in range(20):
        found = maker.rectangles(where, generator(seed))
        for i, (y1, x1, y2, x2, h, w) in enumerate(zip(*found, strict=True)):
            assert min(h, w) >= 6
            assert where[i, 0, y1 : y1 + h, x1 : x1 + w].all()
            assert where[i, 0, y2 : y2 + h, x2 : x2 + w].all()
            sizes.add((int(h), int(w)))
    assert len(sizes) > 40


def test_where_nothing_fits_it_is_a_small_square_inside_the_image():
    where = torch.zeros(3, 1, 64, 64, dtype=torch.bool)
    where[0, 0, 63, 63] = True
    where[1, 0, 5, 5:9] = True  # the third is empty: everywhere
    found = CutPaste(smallest=0.25).rectangles(where, generator())
    assert found.height[:2].tolist() == found.width[:2].tolist() == [16, 16]
    assert (found.y_to[0], found.x_to[0]) == (48, 48)
    assert found.height[2] >= 16


def test_without_turn_and_distortion_the_patch_is_a_copy():
    x, where = images(), discs()
    maker = CutPaste(smallest=0.1, angle=0.0, levels=CALM)
    place = maker.rectangles(where, generator(5))
    found, masks = maker(x, where, generator(5))
    for i, (y1, x1, y2, x2, h, w) in enumerate(zip(*place, strict=True)):
        expected = torch.zeros(64, 64, dtype=torch.bool)
        expected[y2 : y2 + h, x2 : x2 + w] = True
        assert torch.equal(masks[i, 0], expected)
        torch.testing.assert_close(
            found[i, :, y2 : y2 + h, x2 : x2 + w],
            x[i, :, y1 : y1 + h, x1 : x1 + w],
            atol=1e-3,
            rtol=0,
        )


def test_outside_of_its_mask_the_image_is_untouched():
    x, where = images(), discs()
    found, masks = CutPaste(smallest=0.1)(x, where, generator())
    assert torch.equal(found[~masks.expand_as(x)], x[~masks.expand_as(x)])
    assert masks.flatten(1).any(1).all()
    assert not (masks & ~where).any()
    assert (found.min() >= 0) & (found.max() <= 1)
    changed = ((found != x).any(1, keepdim=True) & masks).flatten(1).float().sum(1)
    assert (changed > 0.5 * masks.flatten(1).float().sum(1)).all()


def test_a_turned_mask_is_a_squeezed_turned_rectangle():
    """A quarter turn of a whole fills the whole; 45 degrees of a square, half of it."""
    x = images(1)
    where = torch.zeros(1, 1, 64, 64, dtype=torch.bool)
    where[..., 10:42, 10:42] = True
    areas = []
    for seed in range(40):
        maker = CutPaste(smallest=0.5, angle=90.0, levels=CALM)
        _, mask = maker(x, where, generator(seed))
        areas.append(float(mask.sum()) / 32**2)
    assert 0.49 < min(areas) < 0.56
    assert 0.9 < max(areas) <= 1


def test_larger_patches_than_the_canvas_are_shrunk_to_it():
    y = torch.linspace(0, 1, 128).view(1, 1, -1, 1).expand(1, 3, 128, 128)
    where = torch.ones(1, 1, 128, 128, dtype=torch.bool)
    found, mask = CutPaste(smallest=0.8, angle=0.0, canvas=0.25, levels=CALM)(y, where, generator())
    inside = found[0, 0][mask[0, 0]]
    assert mask.sum() >= 102**2
    assert inside.std() > 0.2  # the gradient is still there


def test_a_share_of_synthetic_defects():
    x, where = images(8), discs(8)
    all_defects, masks = CutPaste(defects=1.0)(x, where, generator())
    change = (all_defects != x).any(1, keepdim=True)
    assert torch.equal(change, masks)  # exact masks are what add_defect has
    pasted = CutPaste()(x, where, generator())[1]
    assert not torch.equal(masks, pasted)


def test_same_seed_same_anomalies_other_seed_others():
    x, where = images(), discs()
    one, again, other = (CutPaste()(x, where, generator(s))[0] for s in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_dilation_is_that_of_a_square():
    where = torch.zeros(1, 1, 40, 40, dtype=torch.bool)
    where[0, 0, 12, 20] = True
    found = dilated(where, 0.1)
    expected = binary_dilation(where[0, 0].numpy(), iterations=1, structure=[[True] * 9] * 9)
    assert torch.equal(found[0, 0], torch.from_numpy(expected))
    assert torch.equal(dilated(where, 0.0), where)


@pytest.mark.parametrize("settings", [{"smallest": 0.0}, {"tries": 0}, {"defects": 2.0}])
def test_wrong_settings_are_named(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        CutPaste(**settings)


def test_a_foreground_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="foreground must be bool"):
        CutPaste()(images(), discs(2), generator())


@pytest.mark.parametrize("odd", [torch.rand(2, 1, 32, 32), torch.zeros(2, 3, 32, 32).byte()])
def test_images_that_are_no_colours_in_0_1_are_refused(odd):
    with pytest.raises(ValueError, match=r"images must be float \(B, 3, H, W\), got"):
        CutPaste()(odd, torch.ones(2, 1, 32, 32).bool(), torch.Generator())
