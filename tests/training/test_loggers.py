"""Every logger shows the curves of a training, and goes on with them when it is resumed."""

import json
import struct
import sys
import time
from importlib import import_module

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hardsight.training import Settings
from hardsight.training.loggers import LOGGERS, Training
from hardsight.training.logs import Record, RunLog

BLOCK, FULL, LAST = 32768, 1, 4
"""Of LevelDB's logs: bytes of a block, and the types of a record's last part."""
PATIENCE = 60
"""Seconds within which a logger's file holds what it was told."""
STEPS = {1: 4.0, 2: 2.0}
LATER = {3: 1.0}


def shown(name, folder, losses, step=0):
    """Write a session of a training with one logger."""
    with RunLog(Training(folder, step, {"lr": 0.1}), [name]) as log:
        for done, loss in losses.items():
            log.write(Record(done, loss, 0.1, 2.0, 3.0))
        log.picture(torch.rand(3, 4, 4), max(losses))


def losses_of_tensorboard(folder):
    events = EventAccumulator(str(folder / "tensorboard")).Reload().Scalars("train/loss")
    return {e.step: e.value for e in events}


def losses_of_mlflow(folder):
    client = import_module("mlflow").MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("hardsight").experiment_id])
    assert run.data.params == {"lr": "0.1"}
    assert run.info.status == "FINISHED"
    return {m.step: m.value for m in client.get_metric_history(run.info.run_id, "train/loss")}


def records_of_leveldb(log):
    """Yield the records of a log as LevelDB lays it out, after the 7 bytes of W&B's own head."""
    place, record = 7, b""
    while place + 7 <= len(log):
        if BLOCK - place % BLOCK < 7:  # no room for a head: the block's end is filled up
            place += BLOCK - place % BLOCK
            continue
        length, part = struct.unpack_from("<HB", log, place + 4)
        record += log[place + 7 : place + 7 + length]
        place += 7 + length
        if part in (FULL, LAST):
            yield record
            record = b""


def losses_of_wandb(folder):
    stored_record = import_module("wandb.proto.wandb_internal_pb2").Record
    found = {}
    for path in sorted(folder.rglob("*.wandb")):
        for data in records_of_leveldb(path.read_bytes()):
            stored = stored_record.FromString(data)
            values = {i.key or i.nested_key[0]: i.value_json for i in stored.history.item}
            if "train/loss" in values:
                found[stored.history.step.num] = json.loads(values["train/loss"])
    return found


READERS = {
    "tensorboard": losses_of_tensorboard,
    "mlflow": losses_of_mlflow,
    "wandb": losses_of_wandb,
}


@pytest.mark.parametrize("name", LOGGERS)
def test_a_resumed_training_goes_on_with_its_curve(name, tmp_path, monkeypatch):
    for variable in ("MLFLOW_TRACKING_URI", "WANDB_MODE", "WANDB_PROJECT"):
        monkeypatch.delenv(variable, raising=False)
    if name != "tensorboard":
        pytest.importorskip(name, reason=f"needs the extra {name}")
    folder = tmp_path / "run/training"
    shown(name, folder, STEPS)
    shown(name, folder, LATER, step=2)
    until = time.monotonic() + PATIENCE
    while READERS[name](folder) != STEPS | LATER and time.monotonic() < until:
        time.sleep(0.1)  # W&B writes in a process of its own
    assert READERS[name](folder) == STEPS | LATER


@pytest.mark.parametrize("name", sorted(set(LOGGERS) - {"tensorboard"}))
def test_one_that_is_not_installed_names_its_extra(name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf"training.loggers={name} needs {name}: .*\[{name}\]"):
        LOGGERS[name](Training(tmp_path))


def test_an_unknown_one_is_refused_and_another_one_does_not_change_the_run():
    with pytest.raises(ValueError, match="'mlflow'"):
        Settings(loggers=["comet"])
    assert Settings().differences(Settings(loggers=["tensorboard", "wandb"]).model_dump()) == []
