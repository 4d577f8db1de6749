import numpy as np
import pytest
import torch
from scipy.ndimage import convolve

from hardsight.detectors.autoencoders.bands import double, frequency_bands, halve

TAPS = np.array([1, 4, 6, 4, 1]) / 16


def images(n, side=16, seed=0):
    """Images of 8 bits in double precision, where the bands of two and three are exact."""
    g = torch.Generator().manual_seed(seed)
    return torch.randint(256, (n, 3, side, side), generator=g).double() / 256


@pytest.mark.parametrize("count", [1, 2, 3])
def test_bands_sum_to_the_image_exactly(count):
    x = images(2)
    bands = frequency_bands(x, count)
    assert len(bands) == count
    assert all(b.shape == x.shape for b in bands)
    assert torch.equal(sum(bands), x)


def test_a_level_is_the_binomial_low_pass_of_every_second_pixel():
    x = images(1)[0, 0].numpy()
    filtered = convolve(x, np.outer(TAPS, TAPS), mode="mirror")
    found = halve(torch.from_numpy(x).view(1, 1, 16, 16))[0, 0].numpy()
    np.testing.assert_allclose(found, filtered[::2, ::2])


def test_doubling_filters_the_pixels_with_zeros_between():
    x = images(1, side=8)[0, 0].numpy()
    padded = np.pad(x, 1, mode="edge")
    sparse = np.zeros((20, 20))
    sparse[::2, ::2] = padded
    filtered = 4 * convolve(sparse, np.outer(TAPS, TAPS), mode="constant")[2:18, 2:18]
    found = double(torch.from_numpy(x).view(1, 1, 8, 8))[0, 0].numpy()
    np.testing.assert_allclose(found, filtered)


def test_an_even_image_has_its_lowest_band_alone():
    high, middle, low = frequency_bands(torch.full((1, 3, 16, 16), 0.25), 3)
    assert torch.equal(low, torch.full_like(low, 0.25))
    assert not high.any()
    assert not middle.any()


def test_a_fine_pattern_lies_in_the_highest_band():
    x = torch.zeros(1, 1, 32, 32)
    x[..., ::2] = 1
    high, low = frequency_bands(x, 2)
    inner = (..., slice(4, -4), slice(4, -4))
    assert high[inner].var() > 0.2
    assert low[inner].var() < 1e-6


@pytest.mark.parametrize(("count", "side"), [(0, 16), (3, 18), (2, 2), (4, 8)])
def test_bands_that_cannot_be_are_refused(count, side):
    with pytest.raises(ValueError, match=f"got {count} bands of {side} x {side} pixels"):
        frequency_bands(images(1, side), count)


@pytest.mark.parametrize(("count", "side"), [(1, 1), (2, 4), (4, 16)])
def test_the_smallest_images_have_bands_whose_sum_they_are(count, side):
    x = images(1, side)
    torch.testing.assert_close(sum(frequency_bands(x, count)), x)
