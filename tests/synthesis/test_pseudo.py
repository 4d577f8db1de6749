import pytest
import torch

from hardsight.synthesis import foreground, pseudo_anomalies

SIZE = 64


def normals():
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    inside = (y - 32) ** 2 + (x - 32) ** 2 < 18**2
    g = torch.Generator().manual_seed(0)
    rough = torch.randint(0, 40, (4, 3, SIZE, SIZE), generator=g)
    return torch.where(inside, 60 + rough, torch.tensor(210)).to(torch.uint8)


def make(copies=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return pseudo_anomalies(normals(), copies, (0.3, 1.0), generator)


def test_normals_come_first_then_rounds_of_copies():
    found = make()
    assert found.images.shape == (16, 3, SIZE, SIZE)
    assert found.labels.tolist() == [False] * 4 + [True] * 12
    torch.testing.assert_close(found.images[:4], normals().float() / 255)
    assert not found.masks[:4].any()
    for i in range(4, 16):  # a copy differs from its own normal exactly where its mask says
        change = (found.images[i] - found.images[i % 4]).abs().amax(0) > 0
        assert (change == found.masks[i, 0]).all()
        assert change.any()


def test_defects_touch_the_object():
    where = foreground(normals())
    found = make()
    assert all((found.masks[i] & where[i % 4]).any() for i in range(4, 16))


def test_the_first_rounds_are_a_part_of_the_whole():
    whole = make()
    part = whole.first(1)
    assert part.labels.tolist() == [False] * 4 + [True] * 4
    torch.testing.assert_close(part.images, whole.images[:8])


def test_the_seed_decides():
    assert torch.equal(make().images, make().images)
    assert not torch.equal(make().images, make(seed=1).images)


@pytest.mark.parametrize(
    ("copies", "severities"), [(0, (0.3, 1.0)), (1, (0.0, 1.0)), (1, (1, 0.5))]
)
def test_bad_arguments_are_named(copies, severities):
    with pytest.raises(ValueError, match="copies >= 1 and severities"):
        pseudo_anomalies(normals(), copies, severities, torch.Generator())
