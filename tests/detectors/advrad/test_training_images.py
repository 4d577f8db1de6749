import torch
from torch import Generator

from hardsight.augment import AugmentationPolicy
from hardsight.detectors.advrad.training_images import TrainingImages

IMAGES = torch.randint(0, 256, (4, 3, 16, 16), generator=Generator().manual_seed(0)).byte()
WHERE = IMAGES[:, :1] > 100


def test_images_are_drawn_as_they_are_unless_told_otherwise():
    x, where = TrainingImages(IMAGES, WHERE).drawn(20, Generator().manual_seed(1))
    known = {image.numpy().tobytes() for image in IMAGES}
    assert {image.numpy().tobytes() for image in x} == known
    assert torch.equal(where, x[:, :1] > 100)


def test_squares_are_cut_and_turned_with_where_anomalies_are_made():
    policies = (AugmentationPolicy(1), AugmentationPolicy(3, ("half turn",)))
    normals = TrainingImages(IMAGES, WHERE, policies, crop=8)
    assert len(normals) == 4
    x, where = normals.drawn(20, Generator().manual_seed(1))
    assert x.shape == (20, 3, 8, 8)
    assert torch.equal(where, x[:, :1] > 100)
