import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing.process import BaseProcess

import pytest
from counting import Squares, refuse, refuse_in_two_words

from hardsight.core.engine import HERE, EngineError
from hardsight.core.threads import usable_cpus
from hardsight.scale.opening import open_engine
from hardsight.scale.pool import Pool
from hardsight.scale.processes import Processes, _without_ctrl_c


@pytest.fixture(scope="module")
def pool():
    with Pool(Processes(2)) as found:
        yield found


def squares(engine, work, keys, heard=lambda *event: None):
    return dict(engine.run(work, keys, heard))


def test_processes_find_what_this_process_finds_and_tell_it(pool, tmp_path):
    events = []
    work = Squares(tmp_path)
    found = squares(pool, work, range(5), lambda *event: events.append(event))
    assert found == squares(HERE, work, range(5)) == {i: i * i for i in range(5)}
    assert sorted(events) == [(i, "began", i) for i in range(5)]
    assert pool.workers == 2


def test_three_kills_lose_nothing_and_repeat_only_what_was_being_done(pool, tmp_path):
    work = Squares(tmp_path, deadly=(1, 3, 4))
    assert squares(pool, work, range(6)) == {i: i * i for i in range(6)}
    assert [work.attempts(i) for i in range(6)] == [1, 2, 1, 2, 2, 1]


def test_a_part_that_ends_every_worker_is_given_up(pool, tmp_path):
    with pytest.raises(EngineError, match="4 workers ended before they finished part 1"):
        squares(pool, Squares(tmp_path, deadly=(1,), times=9), range(2))


def test_an_error_of_the_work_is_raised_and_the_workers_serve_on(pool, tmp_path):
    for _ in range(pool.workers + 1):  # as often as there are workers, and once more
        with pytest.raises(ValueError, match="no 0"):
            list(pool.run(refuse, [0]))
    assert squares(pool, Squares(tmp_path), [3]) == {0: 9}


def test_an_error_that_cannot_be_packed_is_told_all_the_same(pool, tmp_path):
    with pytest.raises(RuntimeError, match="TwoWordsError: no 0"):
        list(pool.run(refuse_in_two_words, [0]))
    assert squares(pool, Squares(tmp_path), [3]) == {0: 9}


def test_keys_are_taken_when_a_worker_is_free(pool, tmp_path):
    taken = []

    def keys():
        for i in range(8):
            taken.append(i)
            yield i

    for done, _ in enumerate(pool.run(Squares(tmp_path), keys()), 1):
        assert len(taken) <= done + 2 * pool.workers


def test_processes_are_no_more_than_keys_and_end_with_their_pool(tmp_path):
    before = set(multiprocessing.active_children())
    with Pool(Processes(99_999)) as engine:
        assert squares(engine, Squares(tmp_path), [1, 2]) == {0: 1, 1: 4}
        assert len(multiprocessing.active_children()) == len(before) + 2
        assert squares(engine, Squares(tmp_path), [3]) == {0: 9}
        assert len(multiprocessing.active_children()) == len(before) + 2
    assert set(multiprocessing.active_children()) == before


def test_ctrl_c_while_processes_begin_ends_them(tmp_path, monkeypatch, capfd):
    before = set(multiprocessing.active_children())
    start = BaseProcess.start

    def interrupted(process):
        start(process)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(process.pid, signal.SIGINT)  # a terminal sends it to all

    monkeypatch.setattr(BaseProcess, "start", interrupted)
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)  # as a new process has it
    try:
        with pytest.raises(KeyboardInterrupt), Pool(Processes(4)) as engine:
            squares(engine, Squares(tmp_path), range(4))
    finally:
        signal.signal(signal.SIGINT, heard)
    assert set(multiprocessing.active_children()) == before
    assert "Traceback" not in capfd.readouterr().err


def test_ctrl_c_waits_for_a_process_to_begin_whichever_thread_it_reaches():
    ended, begun, masks = threading.Event(), [], []
    other = threading.Thread(target=ended.wait)  # takes what the main thread does not
    other.start()

    def begin():
        with _without_ctrl_c():
            masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            begun.append(True)

    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            begin()
        assert begun
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.SIGINT in masks[0]
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        signal.signal(signal.SIGINT, heard)
        ended.set()
        other.join()


def test_the_first_process_begins_with_ctrl_c_masked_too():
    command = [sys.executable, "-c", "from counting import begun; print(begun())"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


def test_local_workers_are_no_more_than_cpus(tmp_path, caplog):
    most = usable_cpus()
    with open_engine("local", most + 99_999) as engine:
        assert engine.workers == most
    assert f"--workers {most + 99_999}: this machine has {most} CPUs to use" in caplog.text
    caplog.clear()
    with open_engine("local", most) as engine:
        assert engine.workers == most
    assert not caplog.text


def test_one_local_worker_is_this_process():
    with open_engine() as engine:
        assert engine is HERE


def test_an_engine_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="choose from local, ray"), open_engine("dask"):
        pass
    local = open_engine("local", address="h:1")
    with pytest.raises(ValueError, match="--address h:1 is of --engine ray"), local:
        pass
