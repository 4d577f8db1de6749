import torch

from hardsight.attacks.results import better
from hardsight.core.types import AttackResult


def result(values, nonfinite=(False,) * 3, queries=3) -> AttackResult:
    objective = torch.tensor(values)
    images = objective.view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    return AttackResult(images, objective, queries, torch.tensor(nonfinite[: len(values)]))


def test_each_image_keeps_the_higher_objective_and_both_are_paid_for():
    a, b = result([0.1, 0.5, 0.3]), result([0.4, 0.2, 0.3], [False, True, False], 5)
    found = better(a, b)
    torch.testing.assert_close(found.objective, torch.tensor([0.4, 0.5, 0.3]))
    assert torch.equal(found.images[:, 0, 0, 0], found.objective)
    assert found.queries == 8
    assert found.nonfinite.tolist() == [False, True, False]


def test_among_leaves_other_images_alone():
    a, b = result([0.1, 0.1]), result([0.4, 0.4])
    found = better(a, b, torch.tensor([False, True]))
    torch.testing.assert_close(found.objective, torch.tensor([0.1, 0.4]))
