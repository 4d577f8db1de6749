import time

import pytest
import torch

from hardsight.core import speed
from hardsight.core.convolutions import layers, step
from hardsight.core.speed import REFERENCE, slowness

CPU = torch.device("cpu")


def test_it_is_the_time_of_the_layers_measured_once(monkeypatch):
    slowness.cache_clear()
    first = slowness(CPU)
    assert slowness(CPU) is first
    assert 0.01 < first < 1000
    monkeypatch.setattr(speed, "REFERENCE", 2 * REFERENCE)
    monkeypatch.setattr(speed, "BUDGET", 0.0)  # one step of a clock that ticks a second a look
    ticks = iter(range(100))
    monkeypatch.setattr(time, "process_time", lambda: float(next(ticks)))
    slowness.cache_clear()
    assert slowness(CPU) == pytest.approx(1 / (2 * REFERENCE * torch.get_num_threads()))
    slowness.cache_clear()


def test_time_in_which_others_had_the_cpu_does_not_count(monkeypatch):
    def interrupted(*args):
        time.sleep(0.2)
        step(*args)

    monkeypatch.setattr(speed, "step", interrupted)
    monkeypatch.setattr(speed, "BUDGET", 0.0)
    slowness.cache_clear()
    idle = slowness(CPU)
    slowness.cache_clear()
    assert idle * REFERENCE < 0.2


def test_nothing_is_known_of_other_devices():
    assert slowness(torch.device("meta")) is None


def test_a_step_leaves_its_layers_as_they_were():
    x, *weights = layers(8, "cpu")
    before = [t.detach().clone() for t in (x, *weights)]
    step(x, weights, low=False)
    assert all(torch.equal(a, b) for a, b in zip(before, (x, *weights), strict=True))
    assert all(t.grad is None for t in (x, *weights))
