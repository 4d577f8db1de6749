import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from hardsight.evaluation.results import OBJECT_ALONE
from hardsight.evaluation.rows import object_row
from hardsight.synthesis.foreground import foreground


def test_the_object_alone_ranks_the_pixels_of_a_background():
    """Bright squares on a dark table, each with a spot in it: what lies beside them is told."""
    images = torch.full((3, 3, 48, 48), 40, dtype=torch.uint8)
    masks = np.zeros((3, 1, 48, 48), dtype=bool)
    for i, at in enumerate((10, 14, 18)):
        images[i, :, at : at + 20, at : at + 20] = 200
        masks[i, :, at + 6 : at + 10, at + 6 : at + 10] = i > 0
    row = object_row(images, masks)
    marked = foreground(images).numpy()
    assert (row.attack, row.target, row.metric) == ("clean", "pixel", OBJECT_ALONE)
    assert row.mean.value == pytest.approx(roc_auc_score(masks.ravel(), marked.ravel()))
    assert row.mean.low <= row.mean.value <= row.mean.high
    beside = 1 - marked[~masks].mean()  # every spot is on its square, so what is left is this
    assert marked[masks].all()
    assert row.mean.value == pytest.approx((1 + beside) / 2)
    assert beside > 0.5


def test_on_a_surface_that_fills_the_picture_it_knows_nothing():
    images = torch.full((2, 3, 32, 32), 90, dtype=torch.uint8)
    masks = np.zeros((2, 1, 32, 32), dtype=bool)
    masks[1, :, :4, :4] = True
    assert object_row(images, masks).mean == (0.5, 0.5, 0.5)
