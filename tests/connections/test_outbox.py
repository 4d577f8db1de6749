import os
import signal
import sqlite3
import time

import pytest

from hardsight.connections.outbox import Outbox


def taken(outbox):
    found = []
    while (waiting := outbox.first()) is not None:
        found.append(waiting.body)
        outbox.remove(waiting.number)
    return found


def test_messages_come_out_in_their_order_each_once(tmp_path):
    outbox = Outbox(tmp_path / "new/a.sqlite")
    assert outbox.first() is None
    before = time.time()
    outbox.put([b"1", b"2"])
    outbox.put([b"3"])
    assert len(outbox) == 3
    assert before <= outbox.first().since <= time.time()
    assert taken(outbox) == [b"1", b"2", b"3"]
    outbox.put([b"4"])
    assert taken(outbox) == [b"4"]


def test_what_was_put_outlives_a_killed_process(tmp_path):
    path = tmp_path / "a.sqlite"
    if (child := os.fork()) == 0:
        outbox = Outbox(path)
        outbox.put([b"1", b"2"])
        outbox.remove(outbox.first().number)
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert taken(Outbox(path)) == [b"2"]


def test_two_processes_do_not_share_one(tmp_path):
    path = tmp_path / "a.sqlite"
    first = Outbox(path)
    first.put([b"1"])
    with pytest.raises(OSError, match="is it in use"):
        Outbox(path, patience=0.0)
    first.close()
    assert taken(Outbox(path)) == [b"1"]


def test_a_full_disk_is_said_and_nothing_is_half_written(tmp_path):
    outbox = Outbox(tmp_path / "a.sqlite")
    outbox._base.execute("PRAGMA max_page_count = 8")
    with pytest.raises(OSError, match=r"full.*; free space on its disk$"):
        outbox.put([b"x" * 1000] * 100)
    assert len(outbox) == 0
    outbox.put([b"small"])
    assert taken(outbox) == [b"small"]


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "a.sqlite").write_text("no database " * 100)
    with pytest.raises(OSError, match=r"cannot be used .*; move it away") as told:
        Outbox(tmp_path / "a.sqlite")
    assert isinstance(told.value.__cause__, sqlite3.Error)
