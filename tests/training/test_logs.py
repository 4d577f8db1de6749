import json

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hardsight.training.loggers import Training
from hardsight.training.logs import Record, RunLog, read


def record(step, loss=1.0):
    return Record(step, loss, 0.1, 2.0, 3.0)


def write(folder, steps, step=0, loss=1.0):
    with RunLog(Training(folder, step)) as log:
        for s in steps:
            log.write(record(s, loss))


def test_every_record_is_on_the_disk_at_once(tmp_path):
    with RunLog(Training(tmp_path)) as log:
        log.write(record(10))
        assert read(tmp_path / "train.jsonl") == [record(10)]
        log.write(record(20))
        assert len(read(tmp_path / "train.jsonl")) == 2


def test_a_line_is_plain_json(tmp_path):
    write(tmp_path, [3])
    line = json.loads((tmp_path / "train.jsonl").read_text())
    assert line == {"step": 3, "loss": 1.0, "lr": 0.1, "seconds": 2.0, "images_per_second": 3.0}


def test_resuming_repeats_no_step(tmp_path):
    write(tmp_path, [10, 20, 30])
    write(tmp_path, [30, 40], step=25, loss=2.0)
    found = read(tmp_path / "train.jsonl")
    assert [(r.step, r.loss) for r in found] == [(10, 1), (20, 1), (30, 2), (40, 2)]


def test_a_half_written_line_is_dropped(tmp_path):
    write(tmp_path, [10, 20])
    path = tmp_path / "train.jsonl"
    path.write_text(path.read_text()[:-7])
    write(tmp_path, [20], step=15)
    assert [r.step for r in read(path)] == [10, 20]


def test_tensorboard_shows_each_step_once(tmp_path):
    write(tmp_path, [10, 20, 30])
    write(tmp_path, [30, 40], step=20, loss=2.0)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload().Scalars("train/loss")
    assert [(e.step, e.value) for e in events] == [(10, 1), (20, 1), (30, 2), (40, 2)]
