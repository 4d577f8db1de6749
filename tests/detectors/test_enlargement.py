"""Maps of patches as maps of pixels."""

import math

import pytest
import torch
import torch.nn.functional as F
from torchvision.transforms.functional import gaussian_blur

from hardsight.detectors.enlargement import Enlargement


def test_it_enlarges_bilinearly_and_blurs_as_torchvision_does():
    maps = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    large = F.interpolate(maps, (64, 64), mode="bilinear", align_corners=False)
    right = gaussian_blur(large, [15, 15], [6.0, 6.0])
    torch.testing.assert_close(Enlargement(8, 64, sigma=6.0, radius=7)(maps), right)
    torch.testing.assert_close(Enlargement(8, 64, sigma=0.0)(maps), large)


def test_a_constant_stays_what_it_is():
    torch.testing.assert_close(Enlargement(8, 64)(torch.ones(1, 1, 8, 8)), torch.ones(1, 1, 64, 64))


def test_it_adds_nothing_to_what_is_saved():
    assert not Enlargement(8, 64).state_dict()


def test_a_radius_as_large_as_the_image_is_refused():
    with pytest.raises(ValueError, match="radius must be below the 16 pixels, got 16"):
        Enlargement(8, 16, radius=16)


@pytest.mark.parametrize("sigma", [-0.1, -4.0, math.nan, math.inf])
@pytest.mark.parametrize("radius", [None, 3])
def test_a_sigma_that_is_none_is_refused(sigma, radius):
    with pytest.raises(ValueError, match=f"sigma must be finite and >= 0, got {sigma}"):
        Enlargement(8, 16, sigma, radius)
