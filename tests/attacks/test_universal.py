"""Universal perturbations: the worst for a set is known of a quadratic detector."""

import pytest
import torch

from hardsight.attacks import ClassVictim, ScoreVictim, build_suite
from hardsight.attacks.class_suites import class_suite
from hardsight.attacks.threats import Universal
from hardsight.attacks.universal import Batch, craft
from hardsight.core.repeatability import ASKED
from hardsight.core.types import Detection

EPS = 0.05


class Distance(torch.nn.Module):
    """Scores the squared distance from a grey image, plus noise."""

    def __init__(self, noise: float = 0.0) -> None:
        super().__init__()
        self.noise, self.random = noise, noise > 0

    def sample_noise(self, images, generator=None):
        shape = (len(images), 1, 1, 1)
        return self.noise * torch.randn(shape, generator=generator) if self.random else None

    def forward(self, images, noise=None):
        maps = (images - 0.5).square().mean(1, keepdim=True) + (0 if noise is None else noise)
        return Detection(maps.flatten(1).mean(1), maps)


def drawn(n: int = 7) -> tuple[torch.Tensor, torch.Tensor]:
    images = 0.2 + 0.6 * torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return images, torch.arange(n) % 3 == 0


def batches(images, labels, size: int, model=None) -> list[Batch]:
    """The set in parts, both labels of the same weight."""
    weights = torch.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())
    model = model or Distance()
    parts = zip(images.split(size), labels.split(size), weights.split(size), strict=True)
    return [Batch(ScoreVictim(model, y), x, w) for x, y, w in parts]


def harm(images, labels) -> float:
    scores = Distance()(images).pred_score
    return float(scores[~labels].mean() - scores[labels].mean())


@pytest.mark.parametrize("size", [7, 3])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_the_best_perturbation_of_a_set_is_found(size, noise):
    """The squares of the perturbation cancel: what is left is linear, its best sign known."""
    images, labels = drawn()
    suite = build_suite("eot-pgd", "universal", EPS, steps=30)
    g = torch.Generator().manual_seed(0)
    found = craft(suite, batches(images, labels, size, Distance(noise)), g)
    way = (images[~labels].mean(0) - images[labels].mean(0)).sign()
    best = harm(images + EPS * way, labels)
    worst = Universal(EPS).apply(images, found.images)
    assert harm(images, labels) < harm(worst, labels)
    assert harm(worst, labels) == pytest.approx(best, rel=1e-3)
    change = worst - images
    torch.testing.assert_close(change, change[:1].expand_as(change))
    assert float(change.abs().max()) <= EPS + 1e-6


def test_what_harms_nobody_is_left_out():
    """Both labels see the same images: whatever is added to both takes as much as it gives."""
    images, _ = drawn(2)
    images, labels = images[:1].repeat(2, 1, 1, 1), torch.tensor([True, False])
    suite = build_suite("pgd", "universal", EPS, steps=3)
    found = craft(suite, batches(images, labels, 2), torch.Generator().manual_seed(0))
    torch.testing.assert_close(harm(Universal(EPS).apply(images, found.images), labels), 0.0)


def test_what_is_none_for_a_set_is_refused():
    parts, g = batches(*drawn(), 7), torch.Generator()
    with pytest.raises(ValueError, match="norm='light' is no change for a whole set"):
        craft(build_suite("pgd", "light", 0.1), parts, g)
    with pytest.raises(ValueError, match="suite='bpda' does not see the exact gradient"):
        craft(build_suite("bpda", "universal", 0.1), parts, g)


def test_the_noise_of_a_set_is_not_known_in_advance():
    assert not build_suite("eot-pgd", "universal", EPS).fixed
    assert build_suite("eot-pgd", "light", EPS).fixed


def test_a_set_is_judged_on_one_draw_where_the_model_repeats_itself():
    images, labels = drawn(4)
    rows = []

    class Counted(torch.nn.Flatten):
        def forward(self, x):
            rows.append(len(x))
            return super().forward(x)[:, :3]

    victim = ClassVictim(Counted(), labels.long())
    suite = class_suite("pgd", "universal", EPS, steps=2)
    craft(suite, [Batch(victim, images, torch.full((4,), 0.25))], torch.Generator().manual_seed(0))
    assert rows == [1] * ASKED + [4] * 5  # asked, then judged, two steps, the end, judged
    assert rows[:4] == [1] * 4  # asked whether it repeats itself
