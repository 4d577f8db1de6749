import pytest
import torch

from hardsight.augment import TURNS, AugmentationPolicy, TrainingImages
from hardsight.diffusion import FastDenoiser, Schedule
from hardsight.training import DenoisingTask, SamplingTask


@pytest.fixture
def denoiser():
    return FastDenoiser(16, channels=8, multipliers=(1, 1), patch=2)


def images(n: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, 3, 16, 16), generator=g, dtype=torch.uint8)


def denoising(
    denoiser: FastDenoiser, images: torch.Tensor, *policies: AugmentationPolicy, **how: int
) -> DenoisingTask:
    return DenoisingTask(denoiser, TrainingImages(images, policies, **how))


def test_every_drawn_image_is_a_training_image_or_a_turn_of_one(denoiser):
    known = images(3)
    task = denoising(denoiser, known, AugmentationPolicy(len(known), ("flip", "quarter turn")))
    x, sigma, noise = task.batch(40, torch.Generator().manual_seed(1))
    allowed = {
        i.numpy().tobytes() for k in known for i in (k, k.flip(-1), TURNS["quarter turn"](k))
    }
    seen = {i.contiguous().numpy().tobytes() for i in x}
    assert seen <= allowed
    assert len(seen) == 9
    assert sigma.shape == (40,)
    assert noise.shape == x.shape


def test_without_turns_images_stay(denoiser):
    known = images(3)
    x = denoising(denoiser, known).batch(30, torch.Generator().manual_seed(1))[0]
    assert {i.numpy().tobytes() for i in x} == {i.numpy().tobytes() for i in known}


def test_loss_is_the_denoisers_on_the_model_range(denoiser):
    task = denoising(denoiser, images(3))
    x, *randomness = task.batch(5, torch.Generator().manual_seed(1))
    expected = denoiser.training_loss(2 * (x / 255) - 1, tuple(randomness)).mean()
    torch.testing.assert_close(task.loss(x, *randomness), expected)


def test_sample_shows_images_over_reconstructions(denoiser):
    task = denoising(denoiser, images(5))
    assert isinstance(task, SamplingTask)
    shown = task.sample(denoiser)
    assert shown.shape == (3, 32, 64)
    torch.testing.assert_close(shown[:, :16, 16:32], images(5)[1] / 255)
    assert torch.equal(shown, task.sample(denoiser))


def test_grey_images_are_shown_in_three_channels():
    denoiser = FastDenoiser(size=8, patch=1, channels=8, multipliers=(1,), image_channels=1)
    task = denoising(denoiser, torch.zeros(4, 1, 8, 8, dtype=torch.uint8))
    assert task.sample(denoiser).shape == (3, 16, 32)


def test_crops_are_squares_of_the_images_and_the_turned_ones_too(denoiser):
    g = torch.Generator().manual_seed(0)
    large = torch.randint(0, 256, (2, 3, 24, 24), generator=g, dtype=torch.uint8)
    task = denoising(denoiser, large, AugmentationPolicy(len(large), ("flip",)), crop=16)
    x, _, noise = task.batch(30, torch.Generator().manual_seed(1))
    assert x.shape == noise.shape == (30, 3, 16, 16)
    known = {
        turn(i[:, a : a + 16, b : b + 16]).contiguous().numpy().tobytes()
        for i in large
        for a in range(9)
        for b in range(9)
        for turn in (lambda v: v, TURNS["flip"])
    }
    seen = {i.contiguous().numpy().tobytes() for i in x}
    assert seen <= known
    assert len(seen) > 10
    assert task.sample(denoiser).shape == (3, 32, 32)


def test_a_short_diffusion_is_shown_at_its_last_step():
    short = FastDenoiser(16, channels=8, multipliers=(1, 1), patch=2, schedule=Schedule.linear(50))
    known = images(2)
    shown = denoising(short, known).sample(short)
    last = DenoisingTask(short, TrainingImages(known), 50).sample(short)
    assert torch.equal(shown, last)
