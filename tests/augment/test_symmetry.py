import pytest
import torch

from hardsight.augment import TURNS, symmetries


def bars(n: int, turned: bool) -> torch.Tensor:
    """Images of one bright bar at a random height (and, if turned, of random direction)."""
    g = torch.Generator().manual_seed(0)
    images = torch.zeros(n, 3, 64, 64)
    for x in images:
        at = int(torch.randint(4, 56, (), generator=g))
        x[:, at : at + 6] = 1
        x[:, at : at + 6, :16] = 0.3  # one end differs
        if turned:
            x.copy_(x.rot90(int(torch.randint(4, (), generator=g)), (1, 2)))
            if torch.rand((), generator=g) < 0.5:
                x.copy_(x.flip(2))
    return images


def test_finds_the_turns_a_camera_could_have_seen():
    assert set(symmetries(bars(200, turned=True))) == set(TURNS)


def test_upright_objects_keep_their_direction():
    assert symmetries(bars(200, turned=False)) == ("flop",)


def test_of_many_images_some_are_compared(monkeypatch):
    monkeypatch.setattr("hardsight.augment.symmetry.COMPARED", 50)
    assert symmetries(bars(200, turned=False)) == ("flop",)


def test_uint8_says_the_same():
    images = bars(100, turned=False)
    assert symmetries((images * 255).byte()) == symmetries(images)


@pytest.mark.parametrize("images", [torch.rand(2, 3, 8, 8), torch.rand(5, 3, 8, 16)])
def test_too_few_or_oblong_images_have_none(images):
    assert symmetries(images) == ()


def test_turns_are_the_seven_others_of_the_dihedral_group():
    x = torch.arange(9.0).view(1, 1, 3, 3)
    seen = {tuple(turn(x).flatten().tolist()) for turn in TURNS.values()}
    assert len(seen) == 7
    assert tuple(x.flatten().tolist()) not in seen
