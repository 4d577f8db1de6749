"""Away from the purification of the clean image, where the farthest one is known."""

import math

import pytest
import torch
from affine_purifiers import DOUBLE, EPS, LABELS, POINTS, Linear, Shake, W, attacked
from torch import Generator

from hardsight.attacks import MarginObjective
from hardsight.attacks.class_suites import LabelledVictim, class_suite
from hardsight.purifiers import Purified, Purifier


class Linearly(Purifier):
    """Maps the four pixels of an image about their middle by a matrix."""

    def __init__(self, matrix):
        super().__init__()
        self.matrix = matrix

    def forward(self, images, noise=None):
        moved = (images - 0.5).flatten(1) @ self.matrix.T
        return 0.5 + moved.view_as(images)


FOUR = torch.randn(4, 4, generator=Generator().manual_seed(3), dtype=DOUBLE)
GREY = torch.full((3, 1, 2, 2), 0.5, dtype=DOUBLE)
ZEROS = torch.zeros(3, dtype=torch.long)


def deviates(norm):
    """The squared distance of what the attack makes of a grey image, and the most there is."""
    model = Purified(Linearly(FOUR), Linear(torch.ones(4)))
    victim = LabelledVictim(model, ZEROS, classes=2)
    objective = victim.objective("deviation", GREY)
    attack = class_suite("deviation", norm, EPS, steps=60, restarts=8).attempts[0].optimiser
    found = attack(objective, GREY, Generator().manual_seed(0))
    if norm == "L2":  # the largest singular value: PGD is a power iteration
        return found.objective, EPS**2 * float(torch.linalg.matrix_norm(FOUR, 2)) ** 2
    corners = torch.cartesian_prod(*[torch.tensor([-EPS, EPS], dtype=DOUBLE)] * 4)
    return found.objective, float((corners @ FOUR.T).square().sum(1).max())


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_deviation_finds_the_farthest_purification(norm):
    found, best = deviates(norm)
    assert found.tolist() == pytest.approx([best] * 3, rel=1e-3)


def test_the_class_loss_is_added_on_the_same_purification():
    model = Purified(Shake(), Linear(W), draws=2)
    noise = model.sample_noise(POINTS, Generator().manual_seed(0))
    victim = LabelledVictim(model, LABELS, classes=2)
    alone, both, entropy = (
        victim.objective(name, POINTS, noise=noise)(POINTS + 0.02)
        for name in ("deviation", "ce+deviation", "ce")
    )
    torch.testing.assert_close(both, alone + entropy)
    # a mean of 0.02 apart from the mean of both draws, and their spread about it
    spread = (noise - noise.mean(1, keepdim=True)).square().flatten(2).sum(2).mean(1)
    torch.testing.assert_close(alone, 2 * 0.02**2 + spread)


def test_the_references_of_some_images_and_passes_of_fewer_draws():
    model = Purified(Shake(), Linear(W))
    victim = LabelledVictim(model, LABELS, classes=2)
    objective = victim.objective("ce+deviation", POINTS, 6, generator=Generator().manual_seed(0))
    part = objective.take(torch.tensor([3, 5]))
    torch.testing.assert_close(part.reference, objective.reference[[3, 5]])
    assert part(POINTS[[3, 5]], Generator().manual_seed(0)).shape == (2,)
    assert float((objective.reference - POINTS).abs().max()) < 3 * Shake.size / math.sqrt(10)


def test_a_deviation_finds_the_best_attack_of_a_purifier_that_amplifies_one_direction():
    """The classifier looks along that direction: the attack without labels is the best there is."""
    direction = torch.tensor([1.0, 1.0, -1.0, -1.0], dtype=DOUBLE)
    matrix = 0.1 * torch.eye(4, dtype=DOUBLE) + torch.outer(direction, direction) / 4
    model = Purified(Linearly(matrix), Linear(direction))
    label = torch.zeros(1, dtype=torch.long)
    x = GREY[:1] - 0.005 * direction.view(1, 1, 2, 2)
    harm = MarginObjective(model, label)
    found = {
        name: float(harm(attacked(name, model, x, label, restarts=4).images))
        for name in ("deviation", "pgd")
    }
    best = float(harm(model.classifier.best(x, label)))
    assert found == {name: pytest.approx(best) for name in found}
    assert best > 0 > float(harm(x))


def test_without_a_purifier_there_is_no_deviation():
    assert "behind a purifier" in LabelledVictim(Linear(W), LABELS, classes=2).lacks("deviation")
    with pytest.raises(ValueError, match="needs a classifier behind a purifier"):
        attacked("deviation", Linear(W))
