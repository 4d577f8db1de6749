"""The estimate and the lines of long work, by a clock of the test's own."""

import pytest

from hardsight.cli.progress import Pace, duration


def told(seconds_a_unit: float, total: int, lines: bool = True) -> list[tuple[int, str]]:
    """Return (units done, line) of a stage whose units take the same time each."""
    now, done, found = 0.0, 0, []
    pace = Pace(lambda line: found.append((done, line)), lines, lambda: now)
    for done in range(1, total + 1):
        now += seconds_a_unit
        pace("train", done, total, f"loss {done}")
    return found


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0743, "74 ms"),
        (7.6, "8 s"),
        (89, "89 s"),
        (90, "2 min"),
        (2760, "46 min"),
        (15_600, "4 h 20 min"),
    ],
)
def test_a_duration_is_said_as_a_person_does(seconds, said):
    assert duration(seconds) == said


def test_the_first_timed_steps_tell_how_long_it_takes():
    found = told(1.0, 2761, lines=False)
    assert found == [(4, "train: about 46 min on this machine")]
    assert told(0.01, 1000, lines=False) == []  # ten seconds are not worth a sentence


def test_slow_work_prints_a_line_every_ten_seconds_with_the_time_left():
    found = [(done, line) for done, line in told(1.0, 2761) if "of 2761" in line]
    assert [done for done, _ in found[:3]] == [11, 21, 31]
    assert found[0][1] == "train: 11 of 2761 (0%), about 46 min left, loss 11"
    assert found[-1] == (2761, "train: 2761 of 2761 (100%), done, loss 2761")


def test_quicker_work_prints_a_line_every_twentieth():
    found = [done for done, line in told(0.1, 1000) if "of 1000" in line]
    assert found == [51, *range(101, 1000, 50), 1000][: len(found)]
    assert len(found) == 20


def test_what_takes_less_than_a_second_says_nothing():
    assert told(0.001, 900) == []


def test_stages_have_their_own_pace():
    now, found = 0.0, []
    pace = Pace(found.append, clock=lambda: now)
    for stage, each in (("train", 2.0), ("select", 6.0)):
        for done in range(1, 32):
            now += each
            pace(stage, done, 31)
    assert found == ["train: about 60 s on this machine", "select: about 3 min on this machine"]
