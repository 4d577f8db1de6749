import pytest
import torch

from hardsight.attacks import RegionMean, ScoreObjective, top_region, value_and_gradient
from hardsight.core.types import Detection


def maps(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Plain(torch.nn.Module):
    """Map = mean over channels; no noise."""

    def sample_noise(self, images, generator=None):
        return None

    def forward(self, images, noise=None):
        m = images.mean(1, keepdim=True)
        return Detection(m.flatten(1).amax(1), m)


def test_top_region_holds_the_largest_pixels():
    m = maps(3, 1, 10, 10)
    region = top_region(m, 0.05)
    assert region.flatten(1).sum(1).tolist() == [5, 5, 5]
    for image, chosen in zip(m, region, strict=True):
        assert image[chosen].min() > image[~chosen].max()
    assert top_region(m, 0.001).flatten(1).sum(1).tolist() == [1, 1, 1]


def test_mean_over_the_region_for_every_draw():
    m, region = maps(6, 1, 8, 8), top_region(maps(2, 1, 8, 8, seed=1), 0.1)
    found = RegionMean(region)(Detection(m.flatten(1).amax(1), m))
    expected = [m[i][region[i // 3]].mean() for i in range(6)]
    torch.testing.assert_close(found, torch.stack(expected))


def test_gradient_stays_where_the_clean_score_was():
    x = maps(2, 3, 8, 8)
    region = top_region(Plain()(x).anomaly_map, 0.1)
    labels = torch.tensor([False, True])
    objective = ScoreObjective(Plain(), labels, surrogate=RegionMean(region))
    _, gradient = value_and_gradient(objective, 1 - x)
    torch.testing.assert_close(gradient != 0, region.expand_as(x))
    part = objective.take(torch.tensor([1]))
    torch.testing.assert_close(part(x[1:]), objective(x)[1:])


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="at least one pixel"):
        RegionMean(torch.zeros(1, 1, 4, 4, dtype=torch.bool))
    m = maps(3, 1, 8, 8)
    with pytest.raises(ValueError, match="do not fit"):
        RegionMean(top_region(m[:2]))(Detection(m[:, 0, 0, 0], m))
    with pytest.raises(ValueError, match="share"):
        top_region(maps(1, 1, 4, 4), 0.0)


def test_the_mean_of_a_half_precision_map_is_that_in_single():
    maps = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(4)).bfloat16()
    region = RegionMean(top_region(maps, 0.5))
    torch.testing.assert_close(
        region(Detection(maps, maps)), region(Detection(maps, maps.float())), rtol=1e-6, atol=0
    )
