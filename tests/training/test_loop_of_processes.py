import pytest
import torch
from tiny_task import TinyTask, tiny_settings

from hardsight.backbones import Backbone
from hardsight.backbones.stages import FirstStages
from hardsight.training import checkpoint
from hardsight.training.logs import read
from hardsight.training.loop import _begun_here, train


def test_two_processes_follow_the_curve_of_one(tmp_path):
    train(TinyTask(), tiny_settings(), tmp_path / "one")
    task = TinyTask()
    result = train(task, tiny_settings(devices=2), tmp_path / "two")
    assert result.step == 24
    curves = [[r.loss for r in read(tmp_path / n / "train.jsonl")] for n in ("one", "two")]
    assert curves[1] == pytest.approx(curves[0], rel=1e-4)
    stored = [checkpoint.latest(tmp_path / n / "checkpoints") for n in ("one", "two")]
    for name, value in stored[0].tensors.items():
        torch.testing.assert_close(stored[1].tensors[name], value, rtol=1e-3, atol=1e-5)
    for name, value in stored[1].part("ema").items():
        assert torch.equal(task.module.state_dict()[name], value)


class FeatureTask(TinyTask):
    """Makes a backbone's features smaller, of whose weights those beyond its taps have no part."""

    def __init__(self):
        super().__init__()
        self.module = Backbone("test_efficientnet", "random", (0, 1), "fp32").requires_grad_(True)

    def batch(self, size, generator):
        return (torch.rand(size, 3, 32, 32, generator=generator),)

    def loss(self, x):
        return sum(level.square().mean() for level in self.module(x))


def test_two_processes_need_not_use_every_weight(tmp_path):
    train(FeatureTask(), tiny_settings(steps=4), tmp_path / "one")
    task = FeatureTask()
    train(task, tiny_settings(steps=4, devices=2), tmp_path / "two")
    curves = [[r.loss for r in read(tmp_path / n / "train.jsonl")] for n in ("one", "two")]
    assert curves[1] == pytest.approx(curves[0], rel=1e-4)
    before, after = FeatureTask().module, task.module
    same_weights = {
        name: torch.equal(value, after.get_parameter(name))
        for name, value in before.named_parameters()
    }
    assert not same_weights["network.conv_stem.weight"]
    idle = next(m for m in before.modules() if isinstance(m, FirstStages)).idle
    assert len(idle) > 0
    assert sum(same_weights.values()) >= len(list(idle.parameters()))


def test_one_process_computes_on_the_gpu_of_the_module():
    settings = tiny_settings(accelerator="auto")
    assert _begun_here(settings, torch.device("cuda", 1))["devices"] == [1]
    assert _begun_here(settings, torch.device("cpu"))["devices"] == 1
    assert _begun_here(tiny_settings(), torch.device("cuda", 1))["devices"] == 1  # the CPU


def test_forked_processes_use_no_thread_pool(tmp_path, monkeypatch):
    """A pool that the parent has used hangs in its forked children."""

    class Counting(TinyTask):
        def loss(self, x, noise):
            assert torch.get_num_threads() == 1
            return super().loss(x, noise)

    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # keeps Fabric from choosing a number
    torch.set_num_threads(2)
    assert train(Counting(), tiny_settings(devices=2, steps=2), tmp_path).step == 2
    assert torch.get_num_threads() == 2
