import threading
import time
from dataclasses import replace

import pytest
from loopback import decision, until

from hardsight.connections.interlock import (
    ANOMALOUS,
    GOOD,
    NO_ANSWER,
    SUSPICIOUS,
    WORD,
    Interlock,
    LinkDown,
    Timing,
)

FAST = Timing(beat=0.02, hold=1.0)


class Registers:
    """A controller's memory: every write, and when."""

    def __init__(self):
        self.down, self.opened, self.closed, self.found = False, 0, 0, []

    def open(self):
        if self.down:
            raise LinkDown("no cable")
        self.opened += 1

    def write(self, signal):
        if self.down:
            raise LinkDown("cable pulled")
        self.found.append((time.monotonic(), signal))

    def close(self):
        self.closed += 1

    @property
    def verdicts(self):
        return [signal.verdict for _, signal in self.found]


@pytest.fixture
def registers():
    return Registers()


@pytest.fixture
def interlock(registers):
    one = Interlock("controller", registers, FAST)
    yield one
    one.close()


def test_before_the_first_decision_there_is_no_answer(registers, interlock):
    until(lambda: len(registers.found) > 3)
    assert set(registers.verdicts) == {NO_ANSWER}


def test_every_verdict_is_written_in_its_order(registers, interlock):
    interlock.send([decision(label=bool(i % 2)) for i in range(6)])
    interlock.failed("broken.png", "no image")
    until(lambda: registers.found and registers.found[-1][1].sequence == 7)
    first = {signal.sequence: signal for _, signal in reversed(registers.found)}
    expected = [GOOD, ANOMALOUS, GOOD, ANOMALOUS, GOOD, ANOMALOUS, NO_ANSWER]
    assert [first[i].verdict for i in range(1, 8)] == expected
    assert first[1].p_value == 2500
    assert first[7].p_value == 0


def test_a_suspicious_part_has_a_word_of_its_own(registers, interlock):
    verdicts = ("good", "suspicious", "defect")
    interlock.send([replace(decision(label=True), verdict=each) for each in verdicts])
    until(lambda: registers.found and registers.found[-1][1].sequence == 3)
    first = {signal.sequence: signal for _, signal in reversed(registers.found)}
    assert [first[i].verdict for i in (1, 2, 3)] == [GOOD, SUSPICIOUS, ANOMALOUS]


def test_a_stalled_detector_reads_as_no_answer(registers, interlock):
    """No decision comes any more, the process lives: its last "good" does not outlive hold."""
    interlock.send([decision()])
    until(lambda: GOOD in registers.verdicts)
    until(lambda: registers.verdicts[-1] == NO_ANSWER)
    times = [when for when, signal in registers.found if signal.verdict == GOOD]
    assert max(times) - min(times) < 2 * FAST.hold
    beats = [signal.heartbeat for _, signal in registers.found]
    assert beats == list(range(beats[0], beats[0] + len(beats)))
    assert registers.found[-1][1].sequence == 1


def test_a_fresh_good_replaces_no_answer(registers, interlock):
    interlock.failed("a.png", "no image")
    interlock.send([decision()])
    until(lambda: GOOD in registers.verdicts)


def test_a_lost_link_is_opened_again_and_shows_the_newest_verdict(registers, interlock):
    until(lambda: registers.found)
    registers.down = True
    until(lambda: registers.closed == 1)
    interlock.send([decision(label=True)] * 5)
    time.sleep(3 * FAST.beat)
    count = len(registers.found)
    interlock.send([decision()])
    registers.down = False
    until(lambda: len(registers.found) > count)
    newest = registers.found[-1][1]
    assert (newest.verdict, newest.sequence) == (GOOD, 6)
    assert registers.opened == 2


def test_an_error_that_nobody_foresaw_is_a_lost_link(registers, caplog):
    registers.open = lambda: 1 / 0
    one = Interlock("controller", registers, FAST)
    until(lambda: "controller cannot be told: division by zero" in caplog.text)
    time.sleep(3 * FAST.beat)
    assert caplog.text.count("cannot be told") == 1, "once for each time that it is lost"
    del registers.open
    one.send([decision()])
    until(lambda: GOOD in registers.verdicts)
    one.close()


def test_a_link_that_fails_to_close_is_opened_again(registers, interlock):
    until(lambda: registers.found)
    registers.close = lambda: 1 / 0
    registers.down = True
    time.sleep(3 * FAST.beat)
    registers.down = False
    interlock.send([decision()])
    until(lambda: GOOD in registers.verdicts)


def test_verdicts_of_a_lost_link_that_grew_old_are_not_shown(registers, interlock):
    until(lambda: registers.found)
    registers.down = True
    interlock.send([decision()])
    time.sleep(FAST.hold + 2 * FAST.beat)
    count, registers.down = len(registers.found), False
    until(lambda: len(registers.found) > count)
    assert set(registers.verdicts[count:]) == {NO_ANSWER}


def test_a_slow_controller_is_not_told_of_what_grew_old(registers, interlock):
    def slowly(signal, write=registers.write):
        time.sleep(0.05)
        write(signal)

    registers.write = slowly
    interlock.send([decision()] * 400)  # twenty seconds of writing
    until(lambda: registers.found and registers.found[-1][1].sequence == 400)
    assert registers.found[-1][1].verdict == NO_ANSWER, "it grew old, too"
    assert len({signal.sequence for _, signal in registers.found}) < 200
    interlock.send([decision()])
    until(lambda: registers.found[-1][1][1:3] == (GOOD, 401))


def test_the_end_is_no_answer(registers):
    one = Interlock("controller", registers, Timing(beat=0.02, hold=60))
    one.send([decision()])
    until(lambda: GOOD in registers.verdicts)
    assert one.close() == []
    assert registers.verdicts[-1] == NO_ANSWER
    assert registers.closed == 1
    assert not [t for t in threading.enumerate() if t.name == "interlock controller"]


def test_the_sequence_begins_again_after_a_word(registers, interlock):
    interlock._sequence = WORD - 1
    interlock.send([decision()])
    until(lambda: GOOD in registers.verdicts)
    assert registers.found[-1][1].sequence == 0


@pytest.mark.parametrize("given", [{"beat": 0.0}, {"beat": 3.0, "hold": 1.0}])
def test_impossible_timings_are_named(given):
    with pytest.raises(ValueError, match="must be above 0 and at most"):
        Timing(**given)
