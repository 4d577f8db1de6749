import math

import pytest
import torch
from torch import Tensor

from bolts import ANGLES, drawn
from bright import Bright
from hardsight.attacks import PGD, Linf, ScoreObjective
from hardsight.core.types import Detection
from hardsight.detectors import Detector, Posed
from hardsight.detectors.pose import brought, pose_of


class Template(Detector):
    """An image's map is its squared distance from one image, its score the mean of that."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.image_size = image.shape[-1]
        self.register_buffer("image", image)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        maps = (images - self.image).square().mean(1, keepdim=True)
        return Detection(maps.flatten(1).mean(1), maps)


def template(head: float = 0.22) -> Template:
    image = drawn(0.0, (0.0, 0.0), head)
    return Template(brought(image, pose_of(image)))


def spotted(angle: float, centre: tuple[float, float]) -> Tensor:
    """A bolt with a bright spot in the middle of its shank."""
    image = drawn(angle, centre).clone()
    line = (torch.arange(64, dtype=image.dtype) + 0.5) / 32 - 1
    x, y = line - centre[0], line[:, None] - centre[1]
    u, v = (
        math.cos(angle) * x + math.sin(angle) * y,
        -math.sin(angle) * x + math.cos(angle) * y,
    )
    return image + 0.5 * torch.exp(-((u - 0.15) ** 2 + v**2) / 0.004)


def test_an_object_in_any_pose_scores_as_in_one():
    posed, alone = Posed(template()), template()
    turned = torch.cat([drawn(a, (0.05, -0.1)) for a in ANGLES])
    worst = float(alone(turned).pred_score.min())
    assert float(posed(turned).pred_score.max()) < 0.02 * worst
    defective = torch.cat([spotted(a, (0.05, -0.1)) for a in ANGLES])
    assert float(posed(defective).pred_score.min()) > 3 * float(posed(turned).pred_score.max())


@pytest.mark.parametrize("angle", ANGLES)
def test_the_map_is_that_of_the_image_as_it_lies(angle):
    place = (0.05, -0.1)
    maps = Posed(template())(spotted(angle, place)).anomaly_map[0, 0]
    peak = divmod(int(maps.argmax()), 64)
    spot = (place[0] + 0.15 * math.cos(angle), place[1] + 0.15 * math.sin(angle))
    for found, true in zip(reversed(peak), spot, strict=True):
        assert abs((found + 0.5) / 32 - 1 - true) < 3 / 32


def test_of_a_symmetric_object_the_lowest_hypothesis_counts():
    bolt = template()
    half_turned = drawn(0.3, (0.0, 0.0))
    both, one = (Posed(bolt, hypotheses=n)(half_turned).pred_score for n in (2, 1))
    assert float(both) <= float(one)
    reversed_template = Template(bolt.image.flip(-1))  # the head on the other side
    both, one = (Posed(reversed_template, n)(half_turned).pred_score for n in (2, 1))
    assert float(both) < 0.02 * float(one)


@pytest.mark.parametrize("call", ["forward", "score_only"])
def test_gradients_are_those_of_finite_differences_pose_included(call):
    posed, x = Posed(template()), spotted(0.7, (0.1, -0.05))
    ways = torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype)
    x = (x + 0.01 * ways).requires_grad_()

    def value(images: Tensor) -> Tensor:
        return getattr(posed, call)(images).pred_score.sum()

    (gradient,) = torch.autograd.grad(value(x), x)
    with torch.no_grad():
        slope = (value(x + 1e-7 * ways) - value(x - 1e-7 * ways)) / 2e-7
    torch.testing.assert_close((gradient * ways).sum(), slope, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("surrogate", ["score", "mean"])
def test_an_attack_goes_through_the_pose(surrogate):
    posed, x = Posed(template()).float(), drawn(0.7, (0.1, -0.05)).float()
    objective = ScoreObjective(posed, [False], surrogate=surrogate)
    worst = PGD(Linf(8 / 255), steps=10)(objective, x, torch.Generator().manual_seed(0)).images
    alone = Template(x)  # without a pose to mislead, an attack moves each pixel by eps and no more
    assert float(posed(worst).pred_score) > float(alone(x + 8 / 255).pred_score)


def test_all_hypotheses_see_one_noise_and_the_calibration_is_kept():
    inner = Bright(32, noise=0.1).calibrate(torch.rand(20, 3, 32, 32))
    posed = Posed(inner)
    x = torch.rand(3, 3, 32, 32)
    noise = posed.sample_noise(x, torch.Generator().manual_seed(0))
    assert noise.shape == (3, 1, 1, 1)
    expected = posed(x, 0 * noise).pred_score + noise.flatten()
    torch.testing.assert_close(posed(x, noise).pred_score, expected)
    assert posed.calibration == inner.calibration


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="hypotheses must be at least 1, got 0"):
        Posed(template(), 0)
