import io

import pytest
import torch
from PIL import Image

from hardsight.reports.pictures import heat, heat_scale, perturbation


def test_one_heat_scale_for_all_maps_and_an_outline_in_the_picture():
    maps = [torch.zeros(40, 40), torch.linspace(0, 5, 1600).reshape(40, 40)]
    low, high = heat_scale(maps)
    assert low == 0.0
    assert high == pytest.approx(5.0, abs=0.02)
    assert heat_scale([torch.ones(4, 4)]) == (1.0, 2.0)
    mask = torch.zeros(40, 40, dtype=torch.bool)
    mask[10:20, 10:20] = True
    plain = heat(torch.full((1, 40, 40), 0.5), maps[0], None, (low, high))
    assert plain.startswith(b"\xff\xd8")
    assert heat(torch.full((1, 40, 40), 0.5), maps[0], mask, (low, high)) != plain


def test_a_perturbation_of_pure_noise_can_be_drawn():
    """Noise hardly compresses: its JPEG is larger than a byte a pixel."""
    noise = torch.rand(3, 256, 256, generator=torch.Generator().manual_seed(0))
    drawn = perturbation(torch.full_like(noise, 0.5), noise.round())
    assert len(drawn) > 256 * 256
    assert Image.open(io.BytesIO(drawn)).size == (256, 256)
