"""What normal images show themselves, and batches drawn evenly under their policies."""

import pytest
import torch

from hardsight.augment import AugmentationPolicy, drawn, symmetries, turned
from hardsight.augment.policy import FEW
from hardsight.augment.variation import light, relit, shifted, shown_shift


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def parts(n: int, moved: int = 0, lamp: float = 0.0) -> torch.Tensor:
    """(n, 3, 64, 64) a bright square, noisy, moved by up to so many pixels, under a lamp."""
    g = generator()
    images = []
    for _ in range(n):
        x = torch.full((3, 64, 64), 60.0)
        x[:, 20:40, 24:48] = 150
        moves = torch.randint(-moved, moved + 1, (1, 2), generator=g)
        x = shifted(x[None], moves)[0]
        x = x * (1 + lamp * (2 * torch.rand((), generator=g) - 1))
        images.append(x + 3 * torch.randn(x.shape, generator=g))
    return torch.stack(images).round().clamp(0, 255).byte()


def test_shifts_are_those_the_parts_show():
    assert shown_shift(parts(12)) == 0  # in a jig
    assert shown_shift(parts(12, lamp=0.3)) == 0  # a lamp that flickers moves nothing
    assert shown_shift(parts(40, moved=10)) > 0
    assert shown_shift(parts(2, moved=10)) == 0


def test_a_shift_moves_whole_pixels_and_repeats_the_edge():
    x = torch.arange(2 * 12).view(2, 1, 3, 4)
    found = shifted(x, torch.tensor([[1, 0], [0, -2]]))
    assert found[0, 0].tolist() == [[0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7]]
    assert found[1, 0, 0].tolist() == [14, 15, 15, 15]


def test_relit_images_lie_between_the_lights_of_two_normals():
    x = parts(6, lamp=0.4)
    own = light(x)
    torch.testing.assert_close(own[0], torch.stack((x[0].float().mean(), x[0].float().std())))
    other = own.roll(1, 0)
    found = light(relit(x, own, other, generator(3)))
    part = torch.rand(6, 1, generator=generator(3))
    torch.testing.assert_close(found, own + part * (other - own), rtol=0.01, atol=0.3)
    assert torch.equal(relit(x, own, own, generator()), x)


def test_auto_varies_few_images_and_only_turns_many():
    few, many = AugmentationPolicy.of(parts(FEW - 1)), AugmentationPolicy.of(parts(FEW))
    assert few.light is not None
    assert (many.light, many.shift) == (None, 0)
    assert many.turns == symmetries(parts(FEW))
    bare = AugmentationPolicy.of(parts(10), "none")
    assert (bare.turns, bare.light) == ((), None)
    assert AugmentationPolicy.of(parts(10), "turns").light is None
    assert AugmentationPolicy.of(parts(FEW), "all").light is not None


def numbered(*counts: int) -> torch.Tensor:
    return torch.arange(sum(counts), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 8, 8)


def test_policies_are_drawn_equally_often_and_images_of_one_too():
    (x,) = drawn(
        (AugmentationPolicy(2), AugmentationPolicy(30)), 4000, None, generator(), numbered(2, 30)
    )
    seen = torch.bincount(x[:, 0, 0, 0].long(), minlength=32) / 4000
    torch.testing.assert_close(seen[:2], torch.full((2,), 0.25), rtol=0, atol=0.03)
    torch.testing.assert_close(seen[2:], torch.full((30,), 0.5 / 30), rtol=0, atol=0.01)


def test_each_policy_turns_its_own_way_and_masks_with_it():
    images = torch.randint(0, 256, (4, 3, 8, 8), generator=generator(), dtype=torch.uint8)
    masks = images[:, :1] > 100
    policies = (AugmentationPolicy(2), AugmentationPolicy(2, ("half turn",)))
    x, where = drawn(policies, 200, None, generator(1), images, masks)
    assert torch.equal(where, x[:, :1] > 100)
    allowed = [*images, *(i.rot90(2, (-2, -1)) for i in images[2:])]
    seen = {r.numpy().tobytes() for r in x}
    assert seen == {a.contiguous().numpy().tobytes() for a in allowed}


def test_shifted_masks_stay_on_their_images():
    images = parts(4)
    x, where = drawn(
        (AugmentationPolicy(4, shift=5),), 20, None, generator(1), images, images[:, :1] > 100
    )
    assert torch.equal(where, x[:, :1] > 100)
    assert not torch.equal(where[0], where[1])


def test_one_policy_draws_what_turned_images_always_drew():
    """A run that began before there were policies goes on to the same weights."""
    images, turns = parts(5), ("flip", "flop")
    (x,) = drawn((AugmentationPolicy(5, turns),), 9, None, generator(4), images)
    g = generator(4)
    (expected,) = turned(turns, g, images[torch.randint(5, (9,), generator=g)])
    assert torch.equal(x, expected)


def test_counts_must_add_up():
    with pytest.raises(ValueError, match="policies of 2, 3 images do not add up to 6"):
        drawn((AugmentationPolicy(2), AugmentationPolicy(3)), 1, None, generator(), numbered(6))
