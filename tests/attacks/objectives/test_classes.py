import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hardsight.attacks import (
    APGD,
    CrossEntropyObjective,
    DLRObjective,
    Linf,
    MarginObjective,
    TargetedDLRObjective,
    value_and_gradient,
)

B, K = 6, 5
X = torch.rand(B, 1, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 3, 4, 0])
TARGETS = torch.tensor([1, 0, 3, 2, 0, 4])
WEIGHT = torch.randn(9, K, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def linear(images: Tensor) -> Tensor:
    return images.flatten(1) @ WEIGHT


class Noisy(nn.Module):
    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.randn(len(images), K, generator=generator, dtype=images.dtype)

    def forward(self, images: Tensor, noise: Tensor) -> Tensor:
        return linear(images) * (1 + noise)


def by_loops(z: list[float], y: int, t: int) -> dict[type, float]:
    others = [v for j, v in enumerate(z) if j != y]
    order = sorted(z, reverse=True)
    return {
        MarginObjective: max(others) - z[y],
        DLRObjective: -(z[y] - max(others)) / (order[0] - order[2]),
        TargetedDLRObjective: -(z[y] - z[t]) / (order[0] - (order[2] + order[3]) / 2),
    }


def test_margin_and_dlr_by_loops():
    for kind in (MarginObjective, DLRObjective, TargetedDLRObjective):
        more = (TARGETS,) if kind is TargetedDLRObjective else ()
        values = kind(linear, LABELS, *more)(X)
        for i, z in enumerate(linear(X).tolist()):
            expected = by_loops(z, int(LABELS[i]), int(TARGETS[i]))[kind]
            assert float(values[i]) == pytest.approx(expected)


def test_dlr_feels_neither_shift_nor_scale():
    values = DLRObjective(linear, LABELS)(X)
    moved = DLRObjective(lambda x: 7 * linear(x) - 3, LABELS)(X)
    torch.testing.assert_close(values, moved)


def test_cross_entropy_is_torchs():
    values, gradient = value_and_gradient(CrossEntropyObjective(linear, LABELS), X)
    torch.testing.assert_close(values, F.cross_entropy(linear(X), LABELS, reduction="none"))
    _, expected = value_and_gradient(
        lambda x, g: F.cross_entropy(linear(x), LABELS, reduction="none"), X
    )
    torch.testing.assert_close(gradient, expected)


def test_cross_entropy_keeps_its_direction_where_the_true_class_is_certain():
    """At a margin of 40 torch's own gradient in float32 has lost the true class's logit."""
    x = torch.tensor([[[[1.0]], [[0.0]], [[0.5]]]])
    labels = torch.tensor([0])
    _, gradient = value_and_gradient(CrossEntropyObjective(lambda i: 40 * i.flatten(1), labels), x)
    _, wide = value_and_gradient(
        CrossEntropyObjective(lambda i: 40 * i.flatten(1), labels), x.double()
    )
    torch.testing.assert_close(gradient.double(), wide, rtol=1e-4, atol=0)
    _, lost = value_and_gradient(
        lambda i, g: F.cross_entropy(40 * i.flatten(1), labels, reduction="none"), x
    )
    assert float(lost[0, 0]) == 0 != float(gradient[0, 0])


@pytest.mark.parametrize("kind", [CrossEntropyObjective, MarginObjective, DLRObjective])
def test_draws_average_the_objective_not_the_logits(kind):
    g = torch.Generator().manual_seed(3)
    values = kind(Noisy(), LABELS, draws=4)(X, g)
    noise = Noisy().sample_noise(X.repeat_interleave(4, 0), torch.Generator().manual_seed(3))
    each = torch.stack(
        [kind(Noisy(), LABELS, noise=noise.view(B, 4, K)[:, d])(X) for d in range(4)]
    )
    torch.testing.assert_close(values, each.mean(0))


def test_parts_and_outputs():
    noise = Noisy().sample_noise(X, torch.Generator().manual_seed(4))
    pick = torch.tensor([4, 1])
    for kind in (CrossEntropyObjective, TargetedDLRObjective):
        more = (TARGETS,) if kind is TargetedDLRObjective else ()
        whole = kind(Noisy(), LABELS, *more, noise=noise)
        torch.testing.assert_close(whole.take(pick)(X[pick]), whole(X)[pick])
    z = linear(X)
    outputs = MarginObjective(linear, LABELS).outputs(X)
    torch.testing.assert_close(outputs, z - z[torch.arange(B), LABELS][:, None])


def test_apgd_fools_the_linear_classifier_as_far_as_it_can():
    """Two classes: the margin is linear, its best value is known."""
    weight, labels = WEIGHT[:, :2], LABELS % 2
    objective = MarginObjective(lambda x: x.flatten(1) @ weight, labels)
    grey = torch.full_like(X, 0.5)
    found = APGD(Linf(0.1), steps=20)(objective, grey, torch.Generator().manual_seed(0))
    best = objective(grey) + 0.1 * (weight[:, 0] - weight[:, 1]).norm(1)
    torch.testing.assert_close(found.objective, best.float())


def test_too_few_classes_and_wrong_labels_are_explained():
    def narrow(k):
        return lambda images: images.flatten(1) @ WEIGHT[:, :k]

    y = LABELS % 2
    with pytest.raises(ValueError, match=r"DLRObjective needs .* K >= 3 .* got \(6, 2\)"):
        DLRObjective(narrow(2), y)(X)
    with pytest.raises(ValueError, match=r"TargetedDLRObjective needs .* K >= 4 .* got \(6, 3\)"):
        TargetedDLRObjective(narrow(3), y, 1 - y)(X)
    with pytest.raises(ValueError, match="a class of 4 needs more than the 3 logits"):
        MarginObjective(narrow(3), LABELS)(X)
    with pytest.raises(ValueError, match="5 images but 6 labels"):
        MarginObjective(linear, LABELS)(X[:5])
    with pytest.raises(ValueError, match="targets must be one class per image other than"):
        TargetedDLRObjective(linear, LABELS, LABELS)
    for wrong in (LABELS.float(), LABELS > 0, LABELS[:, None], LABELS - 1, LABELS[:0]):
        with pytest.raises(ValueError, match="labels must be"):
            CrossEntropyObjective(linear, wrong)
    with pytest.raises(ValueError, match="draws"):
        CrossEntropyObjective(linear, LABELS, draws=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", [MarginObjective, CrossEntropyObjective, DLRObjective])
def test_losses_of_half_precision_logits_are_computed_in_single(kind, dtype):
    """A loss rounded to 8 bits hides most rises from an attack that judges its steps by them."""
    half = kind(lambda x: linear(x).to(dtype), LABELS)(X)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, kind(lambda x: linear(x).to(dtype).float(), LABELS)(X))


def test_three_equal_logits_of_half_precision_leave_dlr_finite():
    tied = torch.tensor([[1.0, 2, 2, 2], [2, 2, 2, 1]], dtype=torch.float16)
    objective = DLRObjective(lambda x: tied + 0 * x.flatten(1)[:, :1].half(), [0, 0])
    assert bool(objective(X[:2]).isfinite().all())
