import os
import signal

import pytest
from tiny_task import TinyTask, same, tiny_settings

from hardsight.training import checkpoint
from hardsight.training.logs import read
from hardsight.training.loop import train


def test_ctrl_c_finishes_the_step_and_resumes_bit_equal(tmp_path):
    whole = TinyTask()
    train(whole, tiny_settings(), tmp_path / "whole")

    class Impatient(TinyTask):
        def loss(self, x, noise):
            if self.batches == 7:
                os.kill(os.getpid(), signal.SIGINT)
            return super().loss(x, noise)

    handler = signal.getsignal(signal.SIGINT)
    result = train(Impatient(), tiny_settings(), tmp_path / "run")
    assert (result.step, result.interrupted) == (7, True)
    assert signal.getsignal(signal.SIGINT) is handler
    resumed = TinyTask()
    result = train(resumed, tiny_settings(), tmp_path / "run", resume=True)
    assert not result.interrupted
    assert same(whole.module, resumed.module)
    curves = [read(tmp_path / n / "train.jsonl") for n in ("whole", "run")]
    assert [r[:2] for r in curves[0]] == [r[:2] for r in curves[1]]


def test_a_second_ctrl_c_stops_at_once(tmp_path):
    class VeryImpatient(TinyTask):
        def loss(self, x, noise):
            if self.batches == 7:
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)
            return super().loss(x, noise)

    with pytest.raises(KeyboardInterrupt):
        train(VeryImpatient(), tiny_settings(), tmp_path)
    assert checkpoint.latest(tmp_path / "checkpoints").step == 5
