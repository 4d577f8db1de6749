import pytest
import torch

from hardsight.augment import TURNS, symmetries
from hardsight.augment.symmetry import NearestNeighbourDistance, thumbnails


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


@pytest.mark.parametrize("level", [0.0, 60.0, 200.0])
def test_distances_of_bright_images_are_those_of_their_differences(level):
    """By brute force in double precision, of images that differ by their noise alone."""
    g = torch.Generator().manual_seed(0)
    small = thumbnails(level + torch.randn(40, 3, 64, 64, generator=g), 32)
    faint = small.clone()
    faint[..., :8, 4:12] += 0.5

    def apart(changed):
        gaps = (changed.double()[:, None] - small.double()).flatten(2).norm(dim=2)
        return gaps.masked_fill(torch.eye(40, dtype=torch.bool), torch.inf)

    usual = apart(small)[~torch.eye(40, dtype=torch.bool)].median()
    nearest = apart(small).amin(1).median()
    expected = (apart(faint).amin(1).median() - nearest) / (usual - nearest)
    assert expected > 1
    assert NearestNeighbourDistance(small).of(faint) == pytest.approx(float(expected), rel=1e-2)
