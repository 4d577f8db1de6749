import pytest
import torch
from pydantic import ValidationError

from hardsight.synthesis import PerlinTextures
from hardsight.synthesis.perlin_textures import crops, recoloured
from hardsight.synthesis.recolouring import perlin

EVERYWHERE = torch.ones(6, 1, 32, 48, dtype=torch.bool)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 6) -> torch.Tensor:
    return 0.3 + 0.01 * torch.rand(n, 3, 32, 48, generator=generator(2))


def textures() -> torch.Tensor:
    return torch.rand(2, 3, 64, 64, generator=generator(1))


def test_only_what_is_marked_changes_and_something_is():
    x = images()
    found, masks = PerlinTextures()(x, EVERYWHERE, textures(), generator())
    assert torch.equal(torch.where(masks, x, found), x)
    assert masks.flatten(1).any(1).all()
    assert (found != x).any(1, keepdim=True)[masks].float().mean() > 0.95
    assert found.min() >= 0
    assert found.max() <= 1


def test_the_weight_of_the_texture_is_the_opacity():
    """Black on white: what is left of the image is 1 - opacity."""
    x, black = torch.ones(6, 3, 32, 48), torch.zeros(1, 3, 8, 8)
    maker = PerlinTextures(opacity=(0.25, 0.25), own=0)
    found, masks = maker(x, EVERYWHERE, black, generator(3))
    values = found[masks.expand_as(found)]
    assert set(values.unique().tolist()) <= {0.75, 1.0}  # half of the textures are inverted
    assert 0.75 in values


def test_masks_keep_to_the_foreground_which_may_be_empty():
    where = torch.zeros_like(EVERYWHERE)
    where[:3, :, 5:20, 10:30] = True
    masks = PerlinTextures().masks(images(), where, generator())
    assert not (masks[:3] & ~where[:3]).any()
    assert masks.flatten(1).any(1).all()


def test_masks_are_where_the_noise_passes_the_threshold():
    x = images()
    masks = PerlinTextures(finest=0, threshold=0.1).masks(x, EVERYWHERE, generator())
    g = generator()
    torch.rand(6, 2, generator=g)  # the powers, all 0: one cell
    noise = perlin(x, torch.tensor([32.0, 48.0]).expand(6, 2), g, octaves=1)
    high = noise.flatten(1).amax(1) > 0.12
    assert high.any()
    assert torch.equal(masks[high], (noise > 0.1)[high])


def test_cells_may_be_taller_than_wide():
    """Along a row of tall, narrow cells the noise changes sign more often than along a column."""
    like = torch.zeros(4, 1, 64, 64)
    noise = perlin(like, torch.tensor([[32.0, 4.0]]).expand(4, 2), generator(), octaves=1)
    turns = [int((noise.diff(dim=d).sign().diff(dim=d) != 0).sum()) for d in (2, 3)]
    assert turns[1] > 3 * turns[0]
    square = perlin(like, torch.full((4, 2), 9.0), generator(), octaves=2)
    assert torch.equal(square, perlin(like, torch.full((4,), 9.0), generator(), octaves=2))


def test_a_crop_of_one_colour_is_that_colour_and_of_noise_differs():
    even = torch.tensor([0.1, 0.5, 0.9]).view(1, 3, 1, 1).expand(5, 3, 20, 30)
    torch.testing.assert_close(
        crops(even, (32, 48), generator()), even[:, :, :1, :1].expand(5, 3, 32, 48)
    )
    same = textures()[:1].expand(3, -1, -1, -1)
    one, two, three = crops(same, (32, 48), generator())
    assert not torch.allclose(one, two)
    assert not torch.allclose(two, three)


def test_the_seed_decides_and_colours_stay_in_range():
    x = images()
    one, two, other = (
        PerlinTextures()(x, EVERYWHERE, textures(), generator(seed)) for seed in (4, 4, 5)
    )
    assert torch.equal(one[0], two[0])
    assert not torch.equal(one[1], other[1])
    found = recoloured(textures(), generator())
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize(
    "wrong", [{"opacity": (0.0, 1.0)}, {"opacity": (0.9, 0.2)}, {"finest": -1}, {"own": 2}]
)
def test_values_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        PerlinTextures(**wrong)
