"""Attacks of the anomaly map of a small AdvRAD, from end to end."""

import pytest
import torch
from tiny_detector import tiny_advrad
from torch import Tensor

from hardsight.attacks import (
    PGD,
    Linf,
    MapObjective,
    ScoreObjective,
    bypassed,
    checkpointed,
    local_mean,
    patches,
    value_and_gradient,
)
from hardsight.detectors import AdvRAD
from hardsight.metrics import pixel_auroc

ATTACK = PGD(Linf(0.1), steps=10)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def masks() -> Tensor:
    """Three normal images, three with a square."""
    masks = torch.zeros(6, 1, 16, 16, dtype=torch.bool)
    masks[3:, :, 4:9, 5:10] = True
    return masks


@pytest.fixture
def images(masks) -> Tensor:
    """Grey, which the untrained denoiser returns best, with brighter squares."""
    grey = 0.5 + 0.02 * torch.randn(6, 3, 16, 16, generator=generator())
    return torch.where(masks, grey + 0.3, grey)


@pytest.fixture
def detector() -> AdvRAD:
    detector = tiny_advrad(reference="error", filter_size=1, draws=1, aggregation="max")
    return detector.requires_grad_(False)


@torch.no_grad()
def located(detector: AdvRAD, images: Tensor, masks: Tensor) -> float:
    """Pixel AUROC of the mean map of four draws that no attack saw."""
    draws = [detector(images, detector.sample_noise(images, generator(50 + d))) for d in range(4)]
    maps = torch.stack([d.anomaly_map for d in draws]).mean(0)
    return pixel_auroc(maps.numpy(), masks.numpy())


@pytest.mark.parametrize("loss", ["balanced", "balanced-bce", patches(4)])
def test_attacking_the_map_lowers_pixel_auroc(detector, images, masks, loss):
    clean = detector(images, detector.sample_noise(images, generator())).anomaly_map
    settings = {"threshold": float(clean[~masks].quantile(0.95)), "scale": float(clean.std())}
    objective = MapObjective(detector, masks, loss, draws=2, **settings)
    attacked = ATTACK(objective, images, generator(1)).images
    noise = ATTACK.ball.random_start(images, generator(2))
    assert located(detector, images, masks) > 0.99
    assert located(detector, noise, masks) > 0.99
    assert located(detector, attacked, masks) < 0.9


@pytest.mark.parametrize("surrogate", [None, local_mean(5)])
def test_bypassing_the_denoiser_is_weaker_than_the_exact_gradient(
    detector, images, masks, surrogate
):
    objective = MapObjective(detector, masks, "balanced", draws=2)
    exact = ATTACK(objective, images, generator(1)).images
    with bypassed(detector, "denoiser", surrogate):
        approximate = ATTACK(objective, images, generator(1)).images
    assert located(detector, exact, masks) < located(detector, approximate, masks) - 0.05


def test_several_shots_have_the_same_gradient_checkpointed(images):
    detector = tiny_advrad(k=60, shots=5, draws=1).requires_grad_(False).double()
    x = images[:2].double()
    noise = detector.sample_noise(x, generator(3))
    objective = ScoreObjective(detector, torch.tensor([False, True]), noise=noise)
    value, gradient = value_and_gradient(objective, x)
    with checkpointed(detector, "denoiser"):
        same, found = value_and_gradient(objective, x)
    torch.testing.assert_close(same, value)
    torch.testing.assert_close(found, gradient, atol=1e-8, rtol=1e-6)
