import pytest
import torch
from torch import Generator

from hardsight.augment import AugmentationPolicy, TrainingImages

IMAGES = torch.randint(0, 256, (4, 3, 16, 16), generator=Generator().manual_seed(0)).byte()
WHERE = IMAGES[:, :1] > 100


def test_images_are_drawn_as_they_are_unless_told_otherwise():
    x, where = TrainingImages(IMAGES, where=WHERE).drawn(20, Generator().manual_seed(1))
    known = {image.numpy().tobytes() for image in IMAGES}
    assert {image.numpy().tobytes() for image in x} == known
    assert torch.equal(where, x[:, :1] > 100)


def test_squares_are_cut_and_turned_with_where_anomalies_are_made():
    policies = (AugmentationPolicy(1), AugmentationPolicy(3, ("half turn",)))
    normals = TrainingImages(IMAGES, policies, WHERE, crop=8)
    assert len(normals) == 4
    x, where = normals.drawn(20, Generator().manual_seed(1))
    assert x.shape == (20, 3, 8, 8)
    assert torch.equal(where, x[:, :1] > 100)


def test_of_large_pictures_half_are_shown_whole_and_small():
    small = TrainingImages(
        torch.full((2, 3, 8, 8), 7, dtype=torch.uint8), where=WHERE[:2, :, :8, :8]
    )
    normals = TrainingImages(IMAGES, where=WHERE, crop=8, shrunk=small)
    g = Generator().manual_seed(1)
    for size, counts in ((6, {3}), (5, {2, 3}), (1, {0, 1})):
        seen = set()
        for _ in range(20):
            x, where = normals.drawn(size, g)
            assert x.shape == (size, 3, 8, 8)
            assert where.shape == (size, 1, 8, 8)
            seen.add(int((x == 7).flatten(1).all(1).sum()))
        assert seen == counts


def test_the_first_are_unchanged_and_the_same_squares_every_time():
    turned = (AugmentationPolicy(4, ("half turn",)),)
    x, where = TrainingImages(IMAGES, turned, WHERE).first(torch.tensor([2, 0]))
    assert torch.equal(x, IMAGES[[2, 0]])
    assert torch.equal(where, WHERE[[2, 0]])
    normals = TrainingImages(IMAGES, crop=8)
    (squares,), (again,) = (normals.first(torch.arange(4)) for _ in range(2))
    assert squares.shape == (4, 3, 8, 8)
    assert torch.equal(squares, again)


def test_no_images_is_an_error():
    with pytest.raises(ValueError, match="no training images"):
        TrainingImages(IMAGES[:0])
