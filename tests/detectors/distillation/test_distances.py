"""Distances between features: by hand, and as PyTorch's cosine has them."""

import pytest
import torch
import torch.nn.functional as F
from torchvision.transforms.functional import gaussian_blur

from hardsight.detectors.distillation import DistanceScoring, FeatureDistance, cosine_distance


def features(*sides: int, channels: int = 4, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(2, channels, side, side, generator=generator) for side in sides]


def test_the_distance_of_known_vectors():
    a = torch.tensor([[[[3.0]], [[4.0]]]])
    b = torch.tensor([[[[4.0]], [[3.0]]]])
    torch.testing.assert_close(cosine_distance(a, b), torch.tensor([[[1 - 24 / 25]]]))
    torch.testing.assert_close(cosine_distance(a, -2 * a), torch.tensor([[[2.0]]]))
    assert cosine_distance(a, 7 * a).item() == pytest.approx(0, abs=1e-12)


def test_the_distance_is_one_less_the_cosine():
    (a,), (b,) = features(5), features(5, seed=1)
    torch.testing.assert_close(cosine_distance(a, b), 1 - F.cosine_similarity(a, b))
    flat = a.flatten(1), b.flatten(1)
    torch.testing.assert_close(cosine_distance(*flat), 1 - F.cosine_similarity(*flat))


def test_a_small_distance_keeps_its_digits():
    """1 - cosine would be lost in float32: the angle is 1e-4, half its square 5e-9."""
    a = torch.tensor([[1.0, 0.0]])
    b = torch.tensor([[1.0, 1e-4]])
    assert cosine_distance(a, b).item() == pytest.approx(5e-9, rel=1e-3)


@pytest.mark.parametrize("combine", ["sum", "product"])
@pytest.mark.parametrize("align_corners", [True, False])
def test_the_map_is_enlarged_combined_and_smoothed(combine, align_corners):
    scoring = DistanceScoring(combine, sigma=1.5, align_corners=align_corners)
    found = FeatureDistance((8, 4), 16, scoring)(features(8, 4), features(8, 4, seed=1))
    one, two = (
        F.interpolate(
            1 - F.cosine_similarity(a, b)[:, None], (16, 16), mode="bilinear",
            align_corners=align_corners,
        )
        for a, b in zip(features(8, 4), features(8, 4, seed=1), strict=True)
    )  # fmt: skip
    maps = gaussian_blur(one + two if combine == "sum" else one * two, [13, 13], [1.5, 1.5])
    torch.testing.assert_close(found.anomaly_map, maps, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.pred_score, found.anomaly_map.flatten(1).amax(1))


def test_the_score_is_the_mean_of_the_highest_share():
    scoring = DistanceScoring(sigma=0.0, top=0.25)
    found = FeatureDistance((4,), 4, scoring)(features(4), features(4, seed=1))
    expected = found.anomaly_map.flatten(1).sort(descending=True).values[:, :4].mean(1)
    torch.testing.assert_close(found.pred_score, expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"combine": "max"}, 'combine must be "sum" or "product", got \'max\''),
        ({"sigma": -1.0}, "sigma=-1.0"),
        ({"top": 1.5}, "top=1.5"),
    ],
)
def test_wrong_values_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        DistanceScoring(**settings)
