import pytest
import torch
from torch import nn

from hardsight.core.modules import in_mode, seeded, sharing


def parts():
    """A model in eval mode, one part of which stays in train mode."""
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(3)).eval()
    model[0].train()
    return model


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_every_part_has_the_mode_meanwhile_and_its_own_afterwards(mode):
    model, other = parts(), nn.Linear(2, 2)
    with in_mode(mode, model, other):
        assert all(m.training == (mode == "train") for m in (*model.modules(), other))
    assert [m.training for m in model.modules()] == [False, True, False]
    assert other.training


def test_the_modes_come_back_after_an_error():
    model = parts()
    with pytest.raises(KeyError), in_mode("train", model):
        raise KeyError
    assert [m.training for m in model.modules()] == [False, True, False]


def test_first_weights_follow_the_seed_and_nothing_else_is_disturbed():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with seeded(1):
        first = nn.Linear(4, 4).weight
    assert torch.equal(torch.rand(3), expected)
    with seeded(1):
        assert torch.equal(nn.Linear(4, 4).weight, first)
    with seeded(2):
        assert not torch.equal(nn.Linear(4, 4).weight, first)


def test_a_sharing_copy_has_the_weights_and_registers_of_its_own():
    module = nn.BatchNorm1d(3)
    copy = sharing(module)
    assert copy.weight is module.weight
    copy.running_mean = torch.ones(3)
    copy.extra = nn.Linear(1, 1)
    assert module.running_mean.tolist() == [0, 0, 0]
    assert not hasattr(module, "extra")
    with torch.no_grad():
        copy.weight.mul_(2)
    assert module.weight.tolist() == [2, 2, 2]
