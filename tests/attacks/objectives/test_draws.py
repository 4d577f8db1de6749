import pytest
import torch
from torch import Tensor, nn

from hardsight.attacks import PGD, Linf, MarginObjective, Square, value_and_gradient
from hardsight.attacks.objectives.draws import (
    count_repeats,
    evaluate_draws,
    mean_over_draws,
    repeats_itself,
)

X = torch.rand(3, 1, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


class Noisy:
    """(B, 2): the sum of (x + noise)^2, and how many rows it was asked for."""

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.randn(images.shape, generator=generator, dtype=images.dtype)

    def __call__(self, images: Tensor, noise: Tensor) -> Tensor:
        value = (images + noise).square().flatten(1).sum(1)
        return torch.stack([value, torch.full_like(value, len(images))], 1)


def test_rows_are_draws_image_by_image():
    found = evaluate_draws(Noisy(), X, 4, torch.Generator().manual_seed(1))
    noise = Noisy().sample_noise(X.repeat_interleave(4, 0), torch.Generator().manual_seed(1))
    for b in range(3):
        for d in range(4):
            expected = (X[b] + noise[4 * b + d]).square().sum()
            torch.testing.assert_close(found[4 * b + d, 0], expected)
    mean = mean_over_draws(found, 3)
    torch.testing.assert_close(mean[1], found[4:8].mean(0))


def test_a_plain_callable_draws_for_itself_and_a_deterministic_model_is_asked_once():
    assert evaluate_draws(lambda x: x, X, 5).shape[0] == 15

    class Still(Noisy):
        def sample_noise(self, images, generator=None):
            return None

        def __call__(self, images, noise):
            assert noise is None
            return images.flatten(1).sum(1)

    found = evaluate_draws(Still(), X, 5)
    torch.testing.assert_close(mean_over_draws(found, 3), X.flatten(1).sum(1))
    assert len(found) == 3


def test_fixed_noise_is_used_as_it_is():
    noise = torch.ones_like(X)
    found = evaluate_draws(Noisy(), X, 1, noise=noise)
    torch.testing.assert_close(found[:, 0], (X + 1).square().flatten(1).sum(1))
    torch.testing.assert_close(evaluate_draws(lambda x, n: x + n, X, 1, noise=noise), X + 1)


def test_unit_gradients_are_averaged_at_length_one():
    """Against a loop over the draws; the values are untouched."""

    def objective(unit):
        def of(images, generator=None):
            found = evaluate_draws(Noisy(), images, 6, generator, unit_gradients=unit)
            return mean_over_draws(found[:, 0], len(images))

        return of

    plain, _ = value_and_gradient(objective(False), X, torch.Generator().manual_seed(2))
    values, gradient = value_and_gradient(objective(True), X, torch.Generator().manual_seed(2))
    torch.testing.assert_close(values, plain)
    noise = Noisy().sample_noise(X.repeat_interleave(6, 0), torch.Generator().manual_seed(2))
    each = 2 * (X[:, None] + noise.view(3, 6, 1, 2, 2))
    each = each / each.flatten(2).norm(dim=2).view(3, 6, 1, 1, 1)
    torch.testing.assert_close(gradient, each.mean(1))


def test_a_draw_without_gradient_adds_nothing():
    x = torch.zeros(2, 1, 2, 2)

    def objective(images, generator=None):
        rows = evaluate_draws(
            lambda x: x.square().flatten(1).sum(1), images, 3, unit_gradients=True
        )
        return mean_over_draws(rows, len(images))

    _, gradient = value_and_gradient(objective, x)
    assert torch.equal(gradient, x)


def test_nearly_vanishing_gradients_are_brought_to_unit_length_too():
    def objective(images, generator=None):
        rows = evaluate_draws(lambda x: 1e-30 * x.flatten(1).sum(1), images, 3, unit_gradients=True)
        return mean_over_draws(rows, len(images))

    _, gradient = value_and_gradient(objective, torch.rand(2, 1, 2, 2))
    torch.testing.assert_close(gradient.flatten(1).norm(dim=1), torch.ones(2))


def test_a_mean_of_half_precision_scores_is_not_rounded_to_one_of_them():
    """Next to 1, bfloat16 has steps of 1/128: the mean of two neighbours lies between."""
    scores = torch.tensor([1.0, 1.0078125, 1.0, 1.0], dtype=torch.bfloat16)
    assert mean_over_draws(scores, 2).tolist() == [1.00390625, 1.0]


def test_draws_are_counted_in_single_ones():
    class Averaging(Noisy):
        draws = 4

    assert [count_repeats(Averaging(), n) for n in (1, 4, 5, 9)] == [1, 1, 2, 3]
    assert count_repeats(Noisy(), 7) == 7
    assert count_repeats(Noisy(), 7, noise=X) == 1
    with pytest.raises(ValueError, match="draws must be at least 1, got 0"):
        count_repeats(Noisy(), 0)


class Sum(Noisy):
    """(B,) the value alone, in float32 as of a network."""

    def __call__(self, images: Tensor, noise: Tensor) -> Tensor:
        return (images + noise).square().flatten(1).mean(1)[:, None] * torch.tensor([1.0, -1.0])


def test_many_draws_of_large_images_take_several_passes_and_mean_the_same():
    """Two draws of two such images make a full pass on a CPU: five draws are 1 + 2 + 2."""
    x = torch.rand(2, 1, 256, 256, dtype=torch.float64)
    labels = torch.tensor([0, 1])
    objective = MarginObjective(Sum(), labels, draws=5)
    parts = objective.parts(x)
    assert sorted(part.repeats for _, part in parts) == [1, 2, 2]
    assert sum(share for share, _ in parts) == pytest.approx(1)
    g = torch.Generator().manual_seed(5)
    noise = [Sum().sample_noise(x.repeat_interleave(p.repeats, 0), g) for _, p in parts]
    each = torch.cat([n.view(2, -1, 1, 256, 256) for n in noise], 1)
    values, gradient = value_and_gradient(objective, x, torch.Generator().manual_seed(5))
    sign = torch.tensor([-2.0, 2.0], dtype=torch.float64)
    expected = sign * (x[:, None] + each).square().mean((1, 2, 3, 4))
    torch.testing.assert_close(values, expected)
    slope = 2 * (x[:, None] + each).mean(1) / 256**2 * sign.view(2, 1, 1, 1)
    torch.testing.assert_close(gradient, slope)


def test_unit_gradients_are_the_mean_over_all_passes():
    """Against a loop over the draws of 1 + 2 + 2: no draw weighs more for being in a small pass."""
    x = torch.rand(2, 1, 256, 256, dtype=torch.float64)
    objective = MarginObjective(Sum(), torch.tensor([0, 1]), draws=5, unit_gradients=True)
    g = torch.Generator().manual_seed(5)
    each = []
    for _, part in objective.parts(x):
        noise = Sum().sample_noise(x.repeat_interleave(part.repeats, 0), g)
        each.append(x[:, None] + noise.view(2, -1, 1, 256, 256))
    slopes = torch.cat(each, 1) * torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1, 1)
    units = slopes / slopes.flatten(2).norm(dim=2).view(2, 5, 1, 1, 1)
    _, gradient = value_and_gradient(objective, x, torch.Generator().manual_seed(5))
    torch.testing.assert_close(gradient, units.mean(1))


def test_a_model_that_changes_what_it_is_given_changes_no_image():
    """As one that normalises in place: attacked by scores or gradients, the centre stays."""

    def scores_in_place(x):
        x -= 0.5
        x *= 4
        total = x.flatten(1).sum(1)
        return torch.stack([total, -total], 1)

    objective, before = MarginObjective(scores_in_place, [0, 1, 0]), X.clone()
    for attack in (Square(Linf(0.05), 40), PGD(Linf(0.05), 5)):
        found = attack(objective, X, torch.Generator().manual_seed(0)).images
        assert torch.equal(X, before)
        assert float((found - X).abs().max()) <= 0.05 + 1e-12
        assert bool(((found >= 0) & (found <= 1)).all())
    sign = torch.tensor([-1.0, 1.0, -1.0]).view(3, 1, 1, 1)
    torch.testing.assert_close(found, (X + 0.05 * sign).clamp(0, 1))  # of PGD, the best there is


@pytest.mark.parametrize(
    ("model", "same"),
    [
        (Noisy(), False),
        (lambda x: x.mean((2, 3)), True),
        (lambda x: x.mean((2, 3)) + torch.rand(1), False),
        (lambda x: x.mean((2, 3)) * (1 + 1e-6 * torch.rand(1)), False),  # hidden, if tiny
        (lambda x: [x.mean((2, 3))], False),  # no tensor: who knows
        (nn.Sequential(nn.Flatten(), nn.Dropout()), True),
    ],
)
def test_who_does_not_say_whether_it_is_random_is_asked(model, same):
    state = torch.random.get_rng_state()
    assert repeats_itself(model, X) is same
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not isinstance(model, nn.Module) or model.training


def test_small_and_deterministic_work_stays_in_one_pass():
    assert len(MarginObjective(Sum(), torch.tensor([0, 1, 0]), draws=50).parts(X)) == 1

    class Still(Sum):
        def sample_noise(self, images, generator=None):
            return None

    x = torch.rand(2, 1, 512, 512)
    assert len(MarginObjective(Still(), torch.tensor([0, 1]), draws=5).parts(x)) == 1
