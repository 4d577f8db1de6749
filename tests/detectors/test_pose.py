import math

import pytest
import torch
from torch import Tensor

from bolts import ANGLES, PLACES, drawn
from hardsight.detectors.pose import brought, pose_of, returned

DEGREE, PIXEL = math.pi / 180, 2 / 64


def apart(a: float, b: float, period: float = 2 * math.pi) -> float:
    """The distance of two angles."""
    return abs((a - b + period / 2) % period - period / 2)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("angle", ANGLES)
def test_a_turned_and_shifted_object_is_found_within_a_degree_and_half_a_pixel(angle, place):
    first, found = pose_of(drawn(0.0, (0.0, 0.0))), pose_of(drawn(angle, place))
    assert apart(float(first.angle), 0.0) < DEGREE  # the shank is the longer tail
    assert apart(float(found.angle), angle) < DEGREE
    turn = torch.tensor(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    ).double()
    expected = turn @ first.centre[0] + torch.tensor(place).double()
    assert float((found.centre[0] - expected).norm()) < PIXEL / 2


def test_the_middle_lies_between_the_ends_although_the_head_is_heavy():
    """The head reaches to -0.62 on the axis, the shank to 0.5."""
    assert abs(float(pose_of(drawn(0.0, (0.0, 0.0))).centre[0, 0]) + 0.06) < 0.08


def test_all_come_back_in_one_pose():
    turned = torch.cat([drawn(a, PLACES[i % 4]) for i, a in enumerate(ANGLES)])
    shown = brought(turned, pose_of(turned))
    wanted = brought(turned[:1], pose_of(turned[:1]))
    assert float((shown - wanted).abs().mean((1, 2, 3)).max()) < 0.005
    assert float((turned[1:] - turned[:1]).abs().mean((1, 2, 3)).min()) > 0.03


def test_without_a_head_the_axis_is_found_and_its_direction_is_not():
    for angle in ANGLES:
        found = pose_of(drawn(angle, (0.05, -0.1), head=0.0))
        assert apart(float(found.angle), angle, math.pi) < DEGREE


def test_what_was_brought_returns():
    image = drawn(0.7, (0.1, -0.05))
    pose = pose_of(image)
    back = returned(brought(image, pose), pose)
    assert float((back - image)[:, :, 16:48, 16:48].abs().max()) < 0.1


@pytest.mark.parametrize("shade", [0.0, 0.5])
def test_nothing_and_a_round_thing_lie_straight_with_a_finite_gradient(shade):
    image = torch.full((1, 3, 32, 32), 0.5, dtype=torch.float64)
    image[:, :, 12:20, 12:20] -= shade
    image.requires_grad_()
    pose = pose_of(image)
    assert float(pose.angle.detach()) == 0.0
    torch.testing.assert_close(pose.centre, torch.zeros(1, 2).double())
    (gradient,) = torch.autograd.grad(brought(image, pose).square().sum(), image)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("what", ["centre", "angle", "brought"])
def test_gradients_are_those_of_finite_differences(what):
    generator = torch.Generator().manual_seed(0)
    image = drawn(0.7, (0.1, -0.05), size=32).clone()
    image += 0.02 * torch.rand(image.shape, generator=generator, dtype=image.dtype)
    weight = torch.randn(image.shape, generator=generator, dtype=image.dtype)

    def value(x: Tensor) -> Tensor:
        pose = pose_of(x)
        if what == "brought":
            return (brought(x, pose) * weight).sum()
        return getattr(pose, what).sum()

    ways = torch.randn(image.shape, generator=generator, dtype=image.dtype)
    image.requires_grad_()
    (gradient,) = torch.autograd.grad(value(image), image)
    with torch.no_grad():
        slope = (value(image + 1e-7 * ways) - value(image - 1e-7 * ways)) / 2e-7
    torch.testing.assert_close((gradient * ways).sum(), slope, rtol=1e-4, atol=1e-6)
