import pytest
import torch
from torch import Tensor, nn

from hardsight.attacks import SURROGATES, ScoreObjective, value_and_gradient
from hardsight.core.types import Detection


class Noisy(nn.Module):
    """Map = (x + noise) ** 2 of one channel; score its maximum; one draw a score."""

    draws = 1

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return 0.1 * torch.randn(images.shape, generator=generator, dtype=images.dtype)

    def forward(self, images: Tensor, noise: Tensor) -> Detection:
        maps = (images + noise).square().mean(1, keepdim=True)
        return Detection(maps.flatten(1).amax(1), maps)


X = torch.rand(4, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([False, True, False, True])


def test_normal_up_anomalous_down():
    noise = Noisy().sample_noise(X, torch.Generator().manual_seed(1))
    score = Noisy()(X, noise).pred_score
    values = ScoreObjective(Noisy(), LABELS, noise=noise)(X)
    torch.testing.assert_close(values, torch.where(LABELS, -score, score))


def test_eot_is_the_mean_of_the_draws_gradients():
    """Batched draws against a loop over the same noise."""
    objective = ScoreObjective(Noisy(), LABELS, draws=5, surrogate="mean")
    _, batched = value_and_gradient(objective, X, torch.Generator().manual_seed(2))
    noise = Noisy().sample_noise(X.repeat_interleave(5, 0), torch.Generator().manual_seed(2))
    loop = torch.zeros_like(X)
    for d in range(5):
        one = ScoreObjective(
            Noisy(), LABELS, surrogate="mean", noise=noise.view(4, 5, 3, 8, 8)[:, d]
        )
        loop += value_and_gradient(one, X)[1] / 5
    torch.testing.assert_close(batched, loop)


def test_a_detector_that_averages_draws_itself_is_asked_less_often():
    detector = Noisy()
    detector.draws = 4
    assert ScoreObjective(detector, LABELS, draws=4).repeats == 1
    assert ScoreObjective(detector, LABELS, draws=6).repeats == 2


@pytest.mark.parametrize("name", SURROGATES)
def test_surrogates_rise_with_every_pixel_of_the_map(name):
    maps = torch.rand(2, 1, 10, 10, dtype=torch.float64, requires_grad=True)
    value = SURROGATES[name](Detection(maps.flatten(1).amax(1), maps))
    assert value.shape == (2,)
    (gradient,) = torch.autograd.grad(value.sum(), maps)
    assert torch.all(gradient >= 0)
    assert torch.all(gradient.flatten(1).sum(1) > 0.99)


def test_log_sum_exp_lies_between_mean_and_maximum():
    maps = torch.rand(3, 1, 16, 16)
    value = SURROGATES["lse"](Detection(maps.flatten(1).amax(1), maps))
    assert torch.all(value <= maps.flatten(1).amax(1))
    assert torch.all(value >= maps.flatten(1).mean(1))


def test_wrong_words_and_counts_are_named():
    with pytest.raises(ValueError, match="surrogate='smooth'"):
        ScoreObjective(Noisy(), LABELS, surrogate="smooth")
    with pytest.raises(ValueError, match="draws"):
        ScoreObjective(Noisy(), LABELS, draws=0)
    with pytest.raises(ValueError, match="3 images but 4 labels"):
        ScoreObjective(Noisy(), LABELS)(X[:3])


@pytest.mark.parametrize("name", ["lse", "top", "mean"])
def test_surrogates_of_half_precision_maps_are_computed_in_single(name):
    """Rounded to 8 bits, a mean hides most rises from an attack that judges its steps by them."""

    def maps(x):
        return x.mean(1, keepdim=True).bfloat16()

    half = ScoreObjective(lambda x: Detection(x, maps(x)), LABELS, surrogate=name)(X)
    whole = ScoreObjective(lambda x: Detection(x, maps(x).float()), LABELS, surrogate=name)(X)
    torch.testing.assert_close(half, whole)
