import math

import pytest
import torch

from hardsight.synthesis.jpeg import jpeg

QUALITY_50 = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""Luminance steps of ITU-T T.81, annex K."""


def photograph(size: int = 64) -> torch.Tensor:
    """Smooth colours, an edge and a little grain."""
    y, x = torch.meshgrid(torch.linspace(0, 1, size), torch.linspace(0, 1, size), indexing="ij")
    image = torch.stack((x, y, (x + y) / 2))
    image[:, size // 3 : size // 2, size // 4 :] *= 0.4
    g = torch.Generator().manual_seed(0)
    return (image + 0.03 * torch.randn(image.shape, generator=g)).clamp(0, 1)


def test_the_loss_is_that_of_quantised_cosines():
    """A grey block, transformed by the 8 x 8 cosines, in steps of libjpeg's table at quality 50."""
    n = torch.arange(8.0)
    basis = torch.cos(math.pi / 8 * (n + 0.5) * n[:, None]) / 2
    basis[0] /= math.sqrt(2)
    block = photograph(8)[:1, :8, :8]
    table = torch.tensor(QUALITY_50, dtype=torch.float32)
    centred = (block[0] * 255).round() - 128
    kept = (basis @ centred @ basis.T / table).round() * table
    expected = ((basis.T @ kept @ basis) + 128).round().clamp(0, 255) / 255
    found = jpeg(block[None], torch.tensor([50.0]))[0, 0]
    torch.testing.assert_close(found, expected, atol=1.01 / 255, rtol=0)


def test_each_image_has_its_own_quality_and_sides_need_no_multiple_of_16():
    images = photograph().expand(2, -1, -1, -1)[:, :, :50, :37]
    both = jpeg(images, torch.tensor([5.0, 90.0]))
    assert both.shape == images.shape
    torch.testing.assert_close(both[1:], jpeg(images[1:], torch.tensor([90.0])))
    lost = (both - images).abs().mean((1, 2, 3))
    assert lost[0] > 2 * lost[1]


def test_wrong_shapes_are_explained():
    with pytest.raises(ValueError, match="images must be"):
        jpeg(torch.rand(1, 4, 16, 16), torch.ones(1))
    with pytest.raises(ValueError, match="quality must be"):
        jpeg(torch.rand(2, 3, 16, 16), torch.ones(1))
