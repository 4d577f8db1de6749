import torch
from torch import Tensor, nn

from hardsight.attacks import FAB, L2, DecisionObjective, ScoreObjective, value_and_gradient
from hardsight.core.types import Detection


class Bright(nn.Module):
    """Score = mean brightness plus a little noise per image."""

    draws = 1

    def sample_noise(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return 0.01 * torch.randn(len(images), generator=generator, dtype=images.dtype)

    def forward(self, images: Tensor, noise: Tensor) -> Detection:
        maps = images.mean(1, keepdim=True)
        return Detection(maps.flatten(1).mean(1) + noise, maps)


X = torch.rand(4, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([False, True, False, True])
NOISE = torch.zeros(4, dtype=torch.float64)


def test_positive_exactly_where_the_threshold_misjudges():
    decision = DecisionObjective(Bright(), LABELS, threshold=0.5, noise=NOISE)
    fooled = (Bright()(X, NOISE).pred_score > 0.5) != LABELS
    assert torch.equal(decision(X) > 0, fooled)


def test_gradient_is_the_scores():
    generator = torch.Generator()
    decision = DecisionObjective(Bright(), LABELS, 0.5, draws=3)
    score = ScoreObjective(Bright(), LABELS, draws=3)
    a, b = (value_and_gradient(o, X, generator.manual_seed(1)) for o in (decision, score))
    torch.testing.assert_close(a[1], b[1])
    torch.testing.assert_close(a[0] - b[0], torch.where(LABELS, 0.5, -0.5).double())


def test_a_minimal_norm_attack_crosses_it_by_the_shortest_way():
    """The score is linear: away from bounds the threshold is |score - h| sqrt(d) away."""
    x = 0.4 + 0.2 * X
    decision = DecisionObjective(Bright(), LABELS, threshold=0.5, noise=NOISE)
    gap = -decision(x)
    result = FAB(L2(10.0), steps=15)(decision, x)
    expected = gap.clamp_min(0) * 48**0.5
    torch.testing.assert_close(L2(10.0).distance(result.images, x), expected, rtol=1e-3, atol=1e-9)


def test_some_of_the_images_and_their_outputs():
    index = torch.tensor([3, 0])
    decision = DecisionObjective(Bright(), LABELS, 0.5, noise=NOISE)
    torch.testing.assert_close(decision.take(index)(X[index]), decision(X)[index])
    signs = torch.where(LABELS, -1.0, 1.0).double()[:, None]
    torch.testing.assert_close(decision.outputs(X), signs * X.mean(1).flatten(1))
