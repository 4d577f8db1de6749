"""Threats with parameters: what each can do, its gradients, and attacks that find the worst."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage.metrics import structural_similarity

from hardsight.attacks import APGD, PGD, Linf, ScoreObjective, ScoreVictim, build_suite
from hardsight.attacks.threats import (
    THREATS,
    Focus,
    Light,
    LowFrequency,
    ParameterSpace,
    Perceptual,
    Pose,
    Sticker,
    build_threat,
    default_eps,
)
from hardsight.attacks.threats.parameter_space import BOX, OfParameters
from hardsight.attacks.threats.threat import axes
from hardsight.core.types import Detection
from hardsight.synthesis.similarity import ssim


def pictures(n: int = 2, side: int = 16, dtype=torch.float64) -> torch.Tensor:
    """Smooth random images, away from 0 and 1."""
    g = torch.Generator().manual_seed(0)
    small = 0.25 + 0.5 * torch.rand(n, 3, 4, 4, generator=g, dtype=dtype)
    return F.interpolate(small, (side, side), mode="bilinear")


def drawn(threat, images, seed: int = 1) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    shape = (len(images), *threat.shape(images))
    return torch.rand(shape, generator=g, dtype=images.dtype)


ALL = [cls(cls.default) for cls in THREATS.values()]
NAMED = [pytest.param(t, id=t.name) for t in ALL]


@pytest.mark.parametrize("threat", NAMED)
def test_changed_images_are_images(threat):
    x = pictures().round()  # black and white: everything would leave the range
    y = threat.apply(x, drawn(threat, x).round())
    assert y.shape == x.shape
    assert 0 <= float(y.min()) <= float(y.max()) <= 1
    assert not torch.equal(x, y)


@pytest.mark.parametrize("threat", NAMED)
def test_images_of_one_channel_stay_such(threat):
    x = pictures()[:, :1]
    y = threat.apply(x, drawn(threat, x))
    assert y.shape == x.shape
    assert not torch.equal(x, y)


@pytest.mark.parametrize("threat", NAMED)
def test_without_severity_nothing_changes(threat):
    x = pictures()
    torch.testing.assert_close(type(threat)(0.0).apply(x, drawn(threat, x)), x)


@pytest.mark.parametrize("threat", NAMED)
def test_the_gradient_is_that_of_finite_differences(threat):
    x, weights = pictures(), torch.randn(16, 16, dtype=torch.float64)
    theta = drawn(threat, x).requires_grad_()

    def value(p):
        return (threat.apply(x, p) * weights).sum()

    (g,) = torch.autograd.grad(value(theta), theta)
    way = torch.randn(theta.shape, generator=torch.Generator().manual_seed(2), dtype=x.dtype)
    h = 1e-6
    slope = (value(theta + h * way) - value(theta - h * way)) / (2 * h)
    torch.testing.assert_close(slope.detach(), (g * way).sum(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("threat", NAMED)
def test_an_image_does_not_depend_on_its_batch(threat):
    x = pictures()
    theta = drawn(threat, x)
    torch.testing.assert_close(threat.apply(x, theta)[:1], threat.apply(x[:1], theta[:1]))


@pytest.mark.parametrize("threat", [t for t in NAMED if t.id in ("light", "pose", "low-frequency")])
def test_the_middle_of_the_parameters_is_no_change(threat):
    x = pictures()
    middle = torch.full((2, *threat.shape(x)), 0.5, dtype=x.dtype)
    torch.testing.assert_close(threat.apply(x, middle), x)


def test_brightness_is_a_factor():
    x, theta = pictures(), torch.full((2, 7, 1, 1), 0.5, dtype=torch.float64)
    theta[:, 0] = 1
    torch.testing.assert_close(Light(0.2).apply(x, theta), 1.2 * x)


def test_a_slope_of_light_leaves_the_middle():
    x = torch.full((1, 3, 15, 15), 0.5)
    theta = torch.full((1, 7, 1, 1), 0.5)
    theta[:, 5] = 1  # across
    y = Light(0.2).apply(x, theta)
    torch.testing.assert_close(y[..., 7], x[..., 7])
    assert float(y[0, 0, 0, -1]) == pytest.approx(0.5 * (1 + 0.2 * 14 / 15))


def test_grey_stays_grey_under_any_hue():
    x, theta = torch.full((1, 3, 8, 8), 0.5), torch.full((1, 7, 1, 1), 0.5)
    theta[:, 4] = 1
    torch.testing.assert_close(Light(0.5).apply(x, theta), x, atol=1e-4, rtol=0)


def test_a_shift_of_two_pixels_is_one():
    x, theta = pictures(), torch.full((2, 6, 1, 1), 0.5, dtype=torch.float64)
    theta[:, 0] = 1  # what is read lies 2 of 16 pixels to the right
    y = Pose(2 / 16).apply(x, theta)
    torch.testing.assert_close(y[..., :14], x[..., 2:])


def test_a_motion_is_the_mean_of_shifts():
    x = pictures()
    theta = torch.tensor([0.0, 0.5, 1.0], dtype=x.dtype).view(1, 3, 1, 1).expand(2, -1, -1, -1)
    y = Focus(4 / 16).apply(x, theta)
    padded = F.pad(x, (4, 4, 0, 0), mode="replicate")
    right = torch.stack([padded[..., i : i + 16] for i in range(9)]).mean(0)
    torch.testing.assert_close(y, right, rtol=1e-6, atol=1e-6)


def test_a_low_frequency_stays_in_the_linf_ball():
    x = pictures()
    y = LowFrequency(8 / 255).apply(x, drawn(LowFrequency(0.1), x).round())
    assert float((y - x).abs().max()) <= 8 / 255 + 1e-12


def test_a_sticker_covers_its_share_and_nothing_else():
    x, threat = torch.full((1, 3, 64, 64), 0.5), Sticker(1 / 16)
    theta = torch.ones(1, *threat.shape(x))
    theta[:, -2:] = 0.5  # white, in the middle
    changed = threat.apply(x, theta)[0, 0] != 0.5
    assert int(changed.sum()) == 16 * 16
    assert bool(changed[24:40, 24:40].all())


def test_a_sticker_held_by_a_hand_is_never_twice_at_the_same_place():
    x, threat = pictures(), Sticker(0.05)
    theta, g = drawn(threat, x), torch.Generator().manual_seed(0)
    assert not torch.equal(threat.apply(x, theta, g), threat.apply(x, theta, g))
    assert torch.equal(threat.apply(x, theta), threat.apply(x, theta))


def darkness(images, generator=None):
    return 1 - images.mean((1, 2, 3))


def test_pgd_finds_the_darkest_light():
    """On grey without colour the worst is known: all factors at their lowest."""
    x = torch.full((1, 3, 8, 8), 0.5)
    found = ParameterSpace(Light(0.2), PGD(BOX, steps=20))(darkness, x)
    assert float(found.objective) == pytest.approx(1 - 0.8 * 0.5 * (0.9 + 1 + 0.9) / 3, abs=2e-3)
    torch.testing.assert_close(darkness(found.images), found.objective)


def test_readers_are_told_of_the_parameters_and_seeds_stay_with_the_class():
    suite = build_suite("pgd", "light", 0.2)
    assert suite.description == "parameter-space PGD 20 steps x 1 draw on score"
    assert [a.key for a in suite.attempts] == ["ParameterSpace PGD 20 steps x 1 draw on score"]


class Corner(torch.nn.Module):
    """Scores the brightness of the upper left quarter."""

    random = False

    def forward(self, images, noise=None):
        maps = images.mean(1, keepdim=True)
        return Detection(maps[..., :8, :8].mean((1, 2, 3)), maps)


@pytest.mark.parametrize("name", ["pgd", "autoattack-rand", "square"])
def test_suites_attack_parameters_as_they_attack_pixels(name):
    x, labels = pictures(4, dtype=torch.float32), torch.tensor([True, False, True, False])
    suite = build_suite(name, "light", 0.2, steps=5, queries=20)
    victim = ScoreVictim(Corner(), labels)
    found = suite(victim, x, torch.Generator().manual_seed(0))
    gain = ScoreObjective(Corner(), labels)
    assert bool((gain(found.images) > gain(x) + 0.02).all())
    assert suite.at(0.0).ball == Light(0.0)


def test_the_map_is_not_attacked_by_what_moves_the_masks():
    with pytest.raises(ValueError, match="norm='pose' moves what the masks mark"):
        build_suite("map-pgd", "pose", 0.02)
    assert build_suite("map-pgd", "light", 0.2).attempts


def test_a_part_of_the_objective_belongs_to_a_part_of_the_images():
    x, labels = pictures(3, dtype=torch.float32), torch.tensor([True, False, True])
    whole = OfParameters(ScoreObjective(Corner(), labels), x, Light(0.2))
    theta = drawn(Light(0.2), x)
    index = torch.tensor([2, 0])
    torch.testing.assert_close(whole.take(index)(theta[index]), whole(theta)[index])


def test_a_threat_has_its_own_usual_severity_and_a_norm_that_of_the_subject():
    assert (default_eps("Light"), default_eps("linf"), default_eps("L2", 0.5)) == (
        0.2,
        "2/255",
        0.5,
    )


def test_what_is_no_threat_is_refused():
    with pytest.raises(ValueError, match="choose from Linf, L2, light"):
        build_threat("dust", 0.1)
    with pytest.raises(ValueError, match="eps of light must be in \\[0, 1\\], got 2"):
        build_threat("light", "2")
    with pytest.raises(ValueError, match="optimiser must attack in"):
        ParameterSpace(Light(0.1), PGD(Linf(0.1)))
    with pytest.raises(TypeError, match=r"got Light\(eps=0.1\); .* by ParameterSpace"):
        PGD(Light(0.1))
    with pytest.raises(ValueError, match="start must be None for light"):
        ParameterSpace(Light(0.1), PGD(BOX))(darkness, pictures(), start=pictures())
    with pytest.raises(ValueError, match="universal' is one change for all images of a set"):
        build_suite("pgd", "universal", 0.1).attempts[0].optimiser(darkness, pictures())


@pytest.mark.parametrize("eps", [0.001, 0.02, 0.3])
def test_a_perceptual_budget_is_spent_and_not_exceeded(eps):
    x = pictures(4)
    y = Perceptual(eps).apply(x, drawn(Perceptual(eps), x))
    seen = [
        1
        - structural_similarity(
            a.numpy(),
            b.numpy(),
            channel_axis=0,
            data_range=1,
            gaussian_weights=True,
            use_sample_covariance=False,
            sigma=1.5,
        )
        for a, b in zip(x, y, strict=True)
    ]
    assert seen == pytest.approx([eps] * 4, rel=2e-2)
    inner = 1 - ssim(x, y)
    torch.testing.assert_close(inner, torch.full_like(inner, eps), rtol=1e-4, atol=0)


def test_a_perturbation_below_the_perceptual_budget_is_whole():
    x = pictures(1)
    theta = torch.full((1, 3, 16, 16), 0.5 + 0.5 / 255, dtype=x.dtype)
    torch.testing.assert_close(Perceptual(0.3).apply(x, theta), x + 1 / 255)


def test_a_perceptual_budget_on_an_even_surface_buys_what_a_shift_costs_and_more():
    """Of flat images SSIM is its term of luminance, whose quadratic has the brightest shift."""
    x, eps, c1 = torch.full((1, 3, 16, 16), 0.5, dtype=torch.float64), 0.02, 0.01**2
    m, kept = 0.5, 1 - eps  # kept (m^2 + b^2 + c1) = 2 m b + c1
    shifted = max(np.roots([kept, -2 * m, kept * (m**2 + c1) - c1]))
    up = Perceptual(eps).apply(x, torch.ones_like(x))
    torch.testing.assert_close(up, torch.full_like(x, shifted), rtol=1e-6, atol=0)
    attack = ParameterSpace(Perceptual(eps), APGD(BOX, steps=20, random_start=False))
    found = attack(lambda images, generator=None: images.mean((1, 2, 3)), x)
    assert float(found.objective) > shifted * (1 - 1e-6)
    assert float(1 - ssim(found.images, x)) < eps * (1 + 1e-4)


def test_a_pose_that_would_turn_a_corner_to_the_horizon_is_refused():
    with pytest.raises(ValueError, match=r"eps of pose must be below 0\.25, got 0\.25"):
        Pose(0.25)


@pytest.mark.parametrize("which", range(6))
def test_a_pose_moves_the_middles_of_the_sides_by_its_share(which):
    """On an image of places: what is seen at the middle of a side was so far away."""
    eps, side = 0.05, 201
    y, x = axes(torch.zeros(1, 3, side, side, dtype=torch.float64))
    places = torch.stack(((x + 1 + 0 * y) / 2, (y + 1 + 0 * x) / 2, 0 * x * y))[None]
    middle = side // 2
    ends, far = [(middle, 0), (middle, -1), (0, middle), (-1, middle)], []
    for sign in (0.0, 1.0):
        theta = torch.full((1, 6, 1, 1), 0.5, dtype=torch.float64)
        theta[0, which] = sign
        moved = (Pose(eps).apply(places, theta) - places)[0]
        far += [float(moved[:, row, column].norm()) for row, column in ends]
    most = eps / (1 - 2 * eps) if which > 3 else eps  # beyond a side its border is seen
    assert 0.9 * eps < max(far) <= most + 1e-6


def test_images_too_small_for_a_window_have_no_structural_similarity():
    """All of them would pass as unchanged, and the attack as withstood."""
    with pytest.raises(ValueError, match=r"at least 11 pixels a side .* got 10 x 16"):
        Perceptual(0.02).apply(torch.rand(2, 3, 10, 16), torch.rand(2, 3, 10, 16))
