import json

import numpy as np
import pytest

from hardsight.evaluation.drift import Alarm, DriftMonitor, StreamMonitor
from hardsight.metrics.drift import jumper_factors, sequential_p_values, shiryaev_roberts

RNG = np.random.default_rng(0)
REFERENCE = RNG.normal(size=40)
CALM = RNG.normal(size=60)
SHIFTED = np.concatenate([CALM[:20], CALM[20:] + 3])


def test_a_stream_is_the_three_steps_one_after_the_other():
    found = StreamMonitor(REFERENCE, 100, seed=3).add(CALM)
    p = sequential_p_values(CALM, REFERENCE, np.random.default_rng(3))
    np.testing.assert_array_equal(found.p_values, p)
    expected, alarms = shiryaev_roberts(jumper_factors(p)[0], 100)
    np.testing.assert_allclose(found.evidence, expected / 100)
    np.testing.assert_array_equal(found.alarms, alarms)


@pytest.mark.parametrize("size", [1, 7, 60])
def test_batches_of_any_size_show_the_same_even_over_epochs(size):
    whole = StreamMonitor(REFERENCE, 20, epoch=25).add(SHIFTED)
    one = StreamMonitor(REFERENCE, 20, epoch=25)
    parts = [one.add(SHIFTED[i : i + size]) for i in range(0, 60, size)]
    np.testing.assert_allclose(np.concatenate([p.evidence for p in parts]), whole.evidence)
    assert whole.alarms.any()


def test_a_new_epoch_knows_the_reference_alone():
    long = StreamMonitor(REFERENCE, 1e6, epoch=30).add(SHIFTED)
    generator = np.random.default_rng(0)
    generator.random(30)  # those of the first epoch
    p = sequential_p_values(SHIFTED[30:], REFERENCE, generator)
    np.testing.assert_array_equal(long.p_values[30:], p)


def test_all_streams_together_keep_the_limit():
    monitor = DriftMonitor({"score": REFERENCE, "brightness": REFERENCE}, once_in=100)
    found = monitor.add({"score": CALM, "brightness": SHIFTED})
    alone = StreamMonitor(REFERENCE, 200).add(SHIFTED)
    np.testing.assert_array_equal(found["brightness"].evidence, alone.evidence)
    first = int(np.flatnonzero(alone.alarms)[0]) + 1
    assert monitor.alarms[0] == Alarm("brightness", first)
    assert str(monitor.alarms[0]) == f"drift of brightness at part {first}"
    assert 20 < first < 40
    assert monitor.parts == 60


def test_a_monitor_goes_on_where_it_was_ended(tmp_path):
    path, references = tmp_path / "state.json", {"score": REFERENCE}
    whole = DriftMonitor(references, once_in=50)
    whole.add({"score": SHIFTED})
    for part in np.split(SHIFTED, 6):
        one = DriftMonitor(references, once_in=50)
        one.resume(path)
        one.add({"score": part})
        one.write(path)
    assert one.alarms == whole.alarms
    assert one.parts == 60
    whole.write(tmp_path / "whole.json")
    one_state, whole_state = (json.loads(p.read_text()) for p in (path, tmp_path / "whole.json"))
    assert one_state == whole_state


def test_a_state_of_something_else_is_refused(tmp_path):
    path = tmp_path / "state.json"
    DriftMonitor({"score": REFERENCE}).write(path)
    for other in (
        DriftMonitor({"score": CALM}),
        DriftMonitor({"score": REFERENCE}, once_in=5),
        DriftMonitor({"brightness": REFERENCE}),
    ):
        with pytest.raises(ValueError, match="is no state of this drift monitor"):
            other.resume(path)
    for damaged in ("{", "[]", '{"streams": []}'):
        path.write_text(damaged)
        with pytest.raises(ValueError, match="begin anew with another file"):
            DriftMonitor({"score": REFERENCE}).resume(path)


def test_without_a_reference_a_stream_is_held_against_its_beginning():
    rng = np.random.default_rng(5)
    values = np.concatenate([rng.normal(size=80), rng.normal(4, size=40)])
    found = StreamMonitor([], 1000).add(values)
    assert 80 < np.flatnonzero(found.alarms)[0] < 110
