from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from hardsight.synthesis.corruptions.corruptions import CORRUPTIONS, corrupt


def pictures(n=8, side=32, channels=3, seed=0):
    """Coloured shapes over smooth ground, with edges and texture."""
    g = np.random.default_rng(seed)
    x = np.stack(
        [
            [gaussian_filter(g.normal(size=(side, side)), 3) for _ in range(channels)]
            for _ in range(n)
        ]
    )
    x = 0.45 + 0.5 * x / np.abs(x).max() + 0.01 * g.normal(size=x.shape)
    for image in x:
        top, left = g.integers(2, side // 2, 2)
        height, width = g.integers(side // 6, side // 2, 2)
        image[:, top : top + height, left : left + width] = g.uniform(0.1, 0.9, (channels, 1, 1))
    return torch.from_numpy(x.clip(0.02, 0.98)).float()


def apply(name, severity, x, seed=1):
    return corrupt(x, name, severity, torch.Generator().manual_seed(seed))


def test_there_are_nineteen():
    assert len(CORRUPTIONS) == 19


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_shape_range_and_repetition(name):
    for x in (pictures(2), pictures(2, channels=1), pictures(1, side=64)):
        found = apply(name, 3, x)
        assert found.shape == x.shape
        assert bool(found.isfinite().all())
        assert 0 <= float(found.min()) <= float(found.max()) <= 1
        assert torch.equal(found, apply(name, 3, x))
    whole = (pictures(2) * 255).byte()
    assert apply(name, 5, whole).dtype == torch.uint8
    assert not torch.equal(apply(name, 5, whole), whole)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_severity_is_further_from_the_image(name):
    x = pictures(24)
    away = [float((apply(name, s, x) - x).square().mean().sqrt()) for s in range(1, 6)]
    assert away[0] > 1e-3
    if name == "saturate":  # lowered, lowered more; raised, raised more, raised most
        assert away[0] < away[1]
        assert away[2] < away[3] < away[4]
    else:
        assert all(a < 1.02 * b for a, b in pairwise(away)), away
        assert away[4] > 1.2 * away[0]


def test_simple_ones_by_hand():
    x = pictures(2)
    mean = x.mean((2, 3), keepdim=True)
    torch.testing.assert_close(apply("contrast", 2, x), (mean + x) / 2)
    expected = gaussian_filter(x.double().numpy(), (0, 0, 1, 1), mode="nearest", truncate=4)
    np.testing.assert_allclose(apply("gaussian_blur", 5, x).numpy(), expected, atol=1e-6)
    noise = apply("gaussian_noise", 1, torch.full((4, 3, 32, 32), 0.5)) - 0.5
    assert float(noise.std()) == pytest.approx(0.04, rel=0.05)
    shot = apply("shot_noise", 3, torch.full((4, 3, 32, 32), 0.5))
    assert float(shot.var()) == pytest.approx(0.5 / 100, rel=0.1)
    salted = apply("impulse_noise", 5, torch.full((4, 3, 32, 32), 0.5))
    assert float((salted != 0.5).float().mean()) == pytest.approx(0.07, abs=0.01)


def test_brightness_and_saturation_are_those_of_hsv():
    import colorsys

    x = pictures(1, side=8)
    for name, change in (
        ("brightness", lambda h, s, v: (h, s, min(v + 0.15, 1))),
        ("saturate", lambda h, s, v: (h, min(1.5 * s, 1), v)),
    ):
        found = apply(name, 3, x)[0].flatten(1).T
        for before, after in zip(x[0].flatten(1).T.tolist(), found.tolist(), strict=True):
            expected = colorsys.hsv_to_rgb(*change(*colorsys.rgb_to_hsv(*before)))
            np.testing.assert_allclose(after, expected, atol=1e-5)


def test_bad_names_and_severities_are_refused():
    with pytest.raises(ValueError, match="not known; choose from gaussian_noise"):
        apply("rain", 1, pictures(1))
    with pytest.raises(ValueError, match=r"severity must be in 1\.\.5"):
        apply("fog", 6, pictures(1))
