"""Weights that learn at shares of the learning rate."""

import pytest
import torch
from tiny_task import TinyTask, tiny_settings

from hardsight.training import checkpoint, train
from hardsight.training.loop import step_seed
from hardsight.training.settings import learning_rate
from hardsight.training.weights import weight_groups


def test_every_weight_is_in_one_group_with_the_share_of_its_name():
    module = TinyTask().module
    module[4].bias.requires_grad_(False)
    groups = weight_groups(module, {"4": 0.1})
    assert [(group["share"], len(group["params"])) for group in groups] == [(1.0, 2), (0.1, 1)]
    assert groups[1]["params"][0] is module[4].weight
    (alone,) = weight_groups(module, {})
    assert len(alone["params"]) == 3


def test_a_name_that_no_weight_has_is_an_error():
    said = r"lr_shares names \['encoder'\]; weights that are trained are of 0, 4$"
    with pytest.raises(ValueError, match=said):
        weight_groups(TinyTask().module, {"encoder": 0.1})


def test_a_name_of_weights_that_are_not_trained_is_an_error():
    module = TinyTask().module
    module[0].requires_grad_(False)
    with pytest.raises(ValueError, match=r"names \['0'\]; weights that are trained are of 4$"):
        weight_groups(module, {"0": 0.1})


def test_a_share_is_torchs_learning_rate_of_a_group(tmp_path):
    settings = tiny_settings(lr_shares={"0": 0.25}, steps=6)
    train(TinyTask(), settings, tmp_path)
    other = TinyTask()
    groups = [{"params": list(other.module[i].parameters())} for i in (4, 0)]
    optimizer = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
    for step in range(6):
        for group, share in zip(optimizer.param_groups, (1, 0.25), strict=True):
            group["lr"] = share * learning_rate(settings, step)
        optimizer.zero_grad()
        other.loss(*other.batch(4, torch.Generator().manual_seed(step_seed(0, step)))).backward()
        optimizer.step()
    stored = checkpoint.latest(tmp_path / "checkpoints").part("model")
    for name, value in other.module.state_dict().items():
        torch.testing.assert_close(stored[name], value)
