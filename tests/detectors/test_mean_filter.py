"""The mean filter, held against scipy's and against windows cut by hand."""

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter

from hardsight.detectors.mean_filter import inner_mean_filter, mean_filter


@pytest.mark.parametrize("size", [1, 3, 21])
def test_mean_filter_is_scipys_with_zero_border(size):
    m = torch.rand(2, 1, 32, 32, dtype=torch.float64)
    reference = np.stack([uniform_filter(i[0].numpy(), size, mode="constant") for i in m])
    torch.testing.assert_close(mean_filter(m, size)[:, 0], torch.from_numpy(reference))


@pytest.mark.parametrize("size", [1, 3, 9, 41])
def test_inner_mean_filter_is_the_mean_of_what_is_inside(size):
    m = torch.rand(2, 1, 12, 20, dtype=torch.float64)
    found, half = inner_mean_filter(m, size), size // 2
    for y in range(12):
        for x in range(20):
            window = m[:, 0, max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1]
            torch.testing.assert_close(found[:, 0, y, x], window.mean((1, 2)))


@pytest.mark.parametrize("size", [0, 2, -3])
def test_even_filters_are_refused(size):
    with pytest.raises(ValueError, match="filter_size"):
        mean_filter(torch.rand(1, 1, 8, 8), size)
