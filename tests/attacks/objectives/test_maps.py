import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import expit
from torch import Tensor, nn

from hardsight.attacks import (
    MAP_LOSSES,
    PGD,
    Linf,
    MapObjective,
    flipped,
    patches,
    value_and_gradient,
)
from hardsight.core.types import Detection


class Noisy(nn.Module):
    """Map = mean over channels of (x + noise) ** 2."""

    draws = 1

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return 0.1 * torch.randn(images.shape, generator=generator, dtype=images.dtype)

    def forward(self, images: Tensor, noise: Tensor) -> Detection:
        maps = (images + noise).square().mean(1, keepdim=True)
        return Detection(maps.flatten(1).amax(1), maps)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


X = torch.rand(3, 3, 8, 8, dtype=torch.float64, generator=generator())
MASKS = torch.rand(3, 1, 8, 8, generator=generator(1)) < 0.3
MASKS[2] = False
LOGITS = 2 * torch.randn(3, 1, 8, 8, dtype=torch.float64, generator=generator(2))
SCALED = {"threshold": 0.4, "scale": 0.2}


def by_hand(name: str, logits: Tensor, mask: Tensor, fraction: float) -> float:
    """The losses of one image, pixel by pixel, from probabilities."""
    v, y = logits.flatten().numpy(), mask.flatten().numpy()
    truth = np.where(y, expit(v), expit(-v))  # probability of the true label
    wrong, ce = truth < 0.5, -np.log(truth)
    capped = np.where(wrong, math.log(2), ce)

    def classes(values) -> float:
        return sum(values[c].mean() for c in (y, ~y) if c.any())

    if name == "bce":
        return ce.mean()
    if name == "masked-bce":
        return capped.mean()
    if name == "balanced-bce":
        return classes(capped)
    if name == "balanced":
        return classes(np.where(y, -v, v))
    if name == "segpgd":
        lam = fraction / 2
        return (np.where(wrong, lam, 1 - lam) * ce).mean()
    if name == "js":
        return np.mean([jensenshannon([p, 1 - p], [1, 0]) ** 2 for p in truth])
    cells = [(slice(i, i + 4), slice(j, j + 4)) for i in (0, 4) for j in (0, 4)]
    square, marked = logits[0].numpy(), mask[0].numpy()
    v = np.array([square[c].mean() for c in cells])
    y = np.array([marked[c].any() for c in cells])
    return classes(np.where(y, -v, v))


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("name", MAP_LOSSES)
def test_losses_by_hand(name, fraction):
    loss = patches(4) if name == "patches" else MAP_LOSSES[name]
    masks = MASKS & (torch.rand(MASKS.shape, generator=generator(4)) < 0.4)
    found = loss(LOGITS, masks, fraction)
    expected = [by_hand(name, v, m, fraction) for v, m in zip(LOGITS, masks, strict=True)]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("name", MAP_LOSSES)
def test_losses_rise_with_normal_pixels_and_fall_with_anomalous_ones(name):
    logits = LOGITS.clone().requires_grad_()
    loss = patches(8) if name == "patches" else MAP_LOSSES[name]
    masks = MASKS if name != "patches" else MASKS.flatten(1).any(1).view(3, 1, 1, 1) & (LOGITS < 9)
    (gradient,) = torch.autograd.grad(loss(logits, masks, 0.5).sum(), logits)
    assert torch.all(torch.where(masks, -gradient, gradient) >= 0)
    assert torch.all(gradient.abs().flatten(1).amax(1) > 0)


def test_masking_leaves_flipped_pixels_without_a_gradient_and_others_as_they_are():
    wrong = torch.where(MASKS, -LOGITS, LOGITS) > 0
    logits = LOGITS.clone().requires_grad_()
    plain, masked = (
        torch.autograd.grad(MAP_LOSSES[n](logits, MASKS, 1.0).sum(), logits)[0]
        for n in ("bce", "masked-bce")
    )
    torch.testing.assert_close(masked, torch.where(wrong, 0.0, plain))


def test_segpgd_begins_with_right_pixels_and_ends_even():
    logits = LOGITS.clone().requires_grad_()
    wrong = torch.where(MASKS, -LOGITS, LOGITS) > 0
    (plain,) = torch.autograd.grad(MAP_LOSSES["bce"](logits, MASKS, 0.0).sum(), logits)
    for t, steps in ((1, 10), (6, 10), (11, 10)):  # t = 11 would follow the last of 10 steps
        lam = (t - 1) / (2 * steps)
        value = MAP_LOSSES["segpgd"](logits, MASKS, (t - 1) / steps).sum()
        (gradient,) = torch.autograd.grad(value, logits)
        torch.testing.assert_close(gradient, torch.where(wrong, lam, 1 - lam) * plain)


def test_flipped_counts_pixels_and_a_normal_image_has_one_class():
    logits = torch.tensor([[[[1.0, -1.0], [-1.0, -1.0]]]] * 2)
    masks = torch.tensor([[[[False, True], [False, False]]], [[[False] * 2] * 2]])
    assert flipped(logits, masks, 1.0).tolist() == pytest.approx([1 / 3 + 1, 1 / 4])


@pytest.mark.parametrize("name", MAP_LOSSES)
def test_gradient_through_the_detector_is_the_finite_difference(name):
    loss = patches(4) if name == "patches" else name
    noise = Noisy().sample_noise(X, generator(3))
    objective = MapObjective(Noisy(), MASKS, loss, noise=noise, **SCALED)
    _, gradient = value_and_gradient(objective, X)
    direction = torch.randn(X.shape, generator=generator(5), dtype=X.dtype)
    h = 1e-7
    change = (objective(X + h * direction) - objective(X - h * direction)) / (2 * h)
    torch.testing.assert_close(
        (gradient * direction).flatten(1).sum(1), change, rtol=1e-5, atol=1e-6
    )


def test_draws_average_losses_over_the_same_noise():
    objective = MapObjective(Noisy(), MASKS, "js", draws=4, **SCALED)
    batched = objective(X, generator(6))
    noise = Noisy().sample_noise(X.repeat_interleave(4, 0), generator(6)).view(3, 4, 3, 8, 8)
    loop = [MapObjective(Noisy(), MASKS, "js", noise=noise[:, d], **SCALED)(X) for d in range(4)]
    torch.testing.assert_close(batched, torch.stack(loop).mean(0))


def test_some_of_the_images():
    index = torch.tensor([2, 0])
    noise = Noisy().sample_noise(X, generator(3))
    objective = MapObjective(Noisy(), MASKS, noise=noise, **SCALED)
    torch.testing.assert_close(objective.take(index)(X[index]), objective(X)[index])


def test_outputs_are_turned_towards_the_attacker():
    """Their sum over a grid of single pixels is N times the plain margins' mean."""
    noise = Noisy().sample_noise(X, generator(3))
    objective = MapObjective(
        Noisy(), MASKS, lambda v, m, f: torch.where(m, -v, v).flatten(1).mean(1), noise=noise
    )
    outputs = objective.outputs(X)
    assert outputs.shape == (3, 64)
    torch.testing.assert_close(outputs.mean(1), objective(X))


def test_pgd_follows_the_schedule_to_its_end():
    """SegPGD from a scheduled objective equals PGD steps taken by hand."""
    noise = Noisy().sample_noise(X, generator(3))
    objective = MapObjective(Noisy(), MASKS, "segpgd", noise=noise, **SCALED)
    attack = PGD(Linf(0.05), steps=4, step_size=0.02, random_start=False)
    result = attack(objective, X)
    x = X
    for t in range(1, 5):
        _, gradient = value_and_gradient(objective.at((t - 1) / 4), x)
        x = attack.ball.project(x + 0.02 * gradient.sign(), X)
    assert torch.equal(result.images, x)
    torch.testing.assert_close(result.objective, objective.at(1.0)(x).float())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "dice"}, "loss='dice'"),
        ({"loss": "js"}, "threshold and scale"),
        ({"loss": "bce", "threshold": 0.1}, "threshold and scale"),
        ({"loss": "balanced", "scale": 0.0}, "scale"),
        ({"loss": "balanced", "draws": 0}, "draws"),
        ({"loss": "balanced", "masks": MASKS.float()}, "bool"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        MapObjective(**({"detector": Noisy(), "masks": MASKS} | settings))


def test_what_does_not_fit_is_named():
    objective = MapObjective(Noisy(), MASKS, "balanced")
    with pytest.raises(ValueError, match="2 images but 3 masks"):
        objective(X[:2])
    with pytest.raises(ValueError, match="resize the masks"):
        MapObjective(Noisy(), MASKS[..., :4], "balanced")(X)
    with pytest.raises(ValueError, match="tiled by patches of 16"):
        MapObjective(Noisy(), MASKS, "patches")(X)
    with pytest.raises(ValueError, match="fraction"):
        objective.at(1.5)
    with pytest.raises(ValueError, match="size"):
        patches(0)


@pytest.mark.parametrize("loss", MAP_LOSSES.values(), ids=MAP_LOSSES)
def test_losses_of_half_precision_maps_are_computed_in_single(loss):
    x, masks = X.repeat(1, 1, 2, 2), MASKS.repeat(1, 1, 2, 2)

    def maps(x):
        return x.mean(1, keepdim=True).bfloat16()

    half = MapObjective(lambda x: Detection(x, maps(x)), masks, loss, 1, 0.5, 0.1)(x)
    whole = MapObjective(lambda x: Detection(x, maps(x).float()), masks, loss, 1, 0.5, 0.1)(x)
    torch.testing.assert_close(half, whole)
