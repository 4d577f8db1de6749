"""What metrics take, and what they refuse."""

import numpy as np
import pytest
import torch

from hardsight.metrics import accuracy, auroc, conformal_threshold, pixel_auroc
from hardsight.metrics.checks import as_array, vector

SCORES = torch.tensor([0.5, 2.0, 1.0, 3.0])
LABELS = torch.tensor([False, True, True, True])


@pytest.mark.parametrize(
    "scores",
    [
        SCORES.bfloat16(),
        SCORES.half(),
        SCORES.double(),
        SCORES.long() + torch.arange(4),
        SCORES.clone().requires_grad_(),
        SCORES.tolist(),
        SCORES.numpy(),
    ],
    ids=["bfloat16", "half", "double", "whole", "in a graph", "list", "array"],
)
def test_a_metric_takes_scores_however_they_come(scores):
    assert auroc(scores, LABELS) == 1.0
    assert conformal_threshold(scores, 0.5) == pytest.approx(2.0, abs=1.0)


def test_maps_and_classes_of_half_precision_are_those_of_single():
    maps = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
    masks = torch.zeros(3, 1, 8, 8, dtype=torch.bool)
    masks[0, 0, 2:5, 2:5] = True
    assert pixel_auroc(maps, masks) == pixel_auroc(maps.float().numpy(), masks.numpy())
    assert accuracy(torch.tensor([1, 2, 0]), torch.tensor([1, 2, 2])) == pytest.approx(2 / 3)


def test_an_array_is_not_copied_and_single_precision_stays():
    values = np.ones(3, np.float32)
    assert as_array(values) is values
    assert as_array(torch.ones(3)).dtype == np.float32
    assert as_array(torch.tensor([True])).dtype == np.bool_


def test_a_vector_has_one_dimension_and_may_be_empty_where_that_is_allowed():
    with pytest.raises(ValueError, match=r"x must have shape \(N,\), got \(2, 1\)"):
        vector([[1.0], [2.0]], "x")
    with pytest.raises(ValueError, match="x is empty"):
        vector([], "x")
    assert vector([], "x", empty=True).shape == (0,)
    with pytest.raises(ValueError, match="x must be finite"):
        vector([1.0, np.nan], "x", empty=True)
