import threading
import time
from collections.abc import Iterator

import pytest
import torch

from hardsight.data import Frame, Reading


def frames(count: int, gate: threading.Event | None = None) -> Iterator[Frame]:
    for i in range(count):
        if gate is not None and i == count - 1:
            gate.wait(5)
        yield Frame(str(i), torch.zeros(3, 1, 1))


def names(batches) -> list[list[str]]:
    return [[f.name for f in batch] for batch in batches]


def test_every_frame_comes_once_and_in_order():
    with Reading(lambda stop: frames(50), ahead=4) as reading:
        found = names(reading.batches(3))
    assert [n for batch in found for n in batch] == [str(i) for i in range(50)]
    assert max(map(len, found)) <= 3
    assert reading.dropped == 0


def test_the_source_is_held_up_where_nothing_may_be_dropped():
    read = []

    def source(stop):
        for frame in frames(20):
            read.append(frame)
            yield frame

    with Reading(source, ahead=4) as reading:
        until = time.monotonic() + 30
        while len(read) < 5 and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.1)
        assert len(read) == 5  # four wait, the fifth is in the reader's hand
        assert len([n for batch in names(reading.batches(8)) for n in batch]) == 20


def test_of_a_faster_source_the_newest_frame_counts_and_the_dropped_are_counted():
    last = threading.Event()
    with Reading(lambda stop: frames(10, last), ahead=1, newest=True) as reading:
        while reading.dropped < 8:
            time.sleep(0.01)
        batches = reading.batches(4)
        assert [f.name for f in next(batches)] == ["8"]
        last.set()
        assert names(batches) == [["9"]]
    assert reading.dropped == 8


def test_an_error_of_the_source_comes_after_its_last_frame():
    def source(stop):
        yield from frames(2)
        raise OSError("unplugged")

    with Reading(source, ahead=8) as reading:
        batches = reading.batches(1)
        assert names([next(batches), next(batches)]) == [["0"], ["1"]]
        with pytest.raises(OSError, match="unplugged"):
            next(batches)


def test_leaving_stops_an_endless_source_and_a_held_up_one():
    told = threading.Event()

    def endless(stop):
        while not stop.wait(0.01):
            yield from frames(1)
        told.set()

    with Reading(endless, ahead=100, newest=True) as reading:
        next(reading.batches(1))
    assert told.is_set()
    with Reading(lambda stop: frames(10**9), ahead=2) as reading:
        next(reading.batches(1))


def test_told_to_stop_it_hands_out_no_more_though_frames_wait_or_none_comes():
    with Reading(lambda stop: frames(9), ahead=9) as reading:
        batches = reading.batches(2)
        assert len(next(batches)) <= 2
        reading.stop()
        assert list(batches) == []

    def nothing(stop):
        stop.wait(30)
        yield from ()

    begun = time.monotonic()
    with Reading(nothing, ahead=1) as reading:
        threading.Timer(0.1, reading.stop).start()
        assert list(reading.batches(1)) == []
    assert time.monotonic() - begun < 10


def test_what_cannot_be_opened_says_so_at_once():
    def source(stop):
        raise FileNotFoundError("no camera")

    with pytest.raises(FileNotFoundError, match="no camera"), Reading(source, ahead=1):
        pytest.fail("entered")
    with pytest.raises(ValueError, match="ahead must be at least 1"):
        Reading(lambda stop: frames(1), ahead=0)


def test_a_stop_that_wakes_nobody_ends_the_wait_all_the_same():
    """As of a signal handler that runs in the waiting thread, between its look and its wait."""
    held = threading.Event()

    def source(stop):
        time.sleep(0.1)  # the other thread waits by now
        stop.set()
        held.wait(5)
        yield from frames(1)

    with Reading(source, ahead=1) as reading:
        begun = time.monotonic()
        assert names(reading.batches(1)) == []
        assert time.monotonic() - begun < 3
        held.set()
