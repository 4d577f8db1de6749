"""The estimate and the lines of long work, by a clock of the test's own."""

import io

import pytest
from rich.console import Console

from hardsight.cli.pace import Pace, done_of, duration, remaining
from hardsight.cli.progress import drawn
from hardsight.config import load_preset
from hardsight.core.progress import announce, quiet


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


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.868, ""),
        (3.4, "about 5 s left"),
        (41, "about 40 s left"),
        (2761, "about 46 min left"),
    ],
)
def test_the_time_that_is_left_is_no_finer_than_it_can_be_known(seconds, said):
    assert remaining(seconds) == said


def test_the_first_timed_steps_tell_how_long_it_takes():
    found = told(1.0, 2761, lines=False)
    assert found == [(4, "train: about 46 min on this machine")]
    assert told(0.01, 1000, lines=False) == []  # ten seconds are not worth a sentence


def test_how_long_work_takes_is_not_said_once_it_is_over():
    now, found = 0.0, []
    pace = Pace(found.append, True, lambda: now)
    pace("attack", 0, 15)
    now += 60.0
    pace("attack", 15, 15)
    assert found == ["attack: 15 of 15 model passes (100%), done"]


def test_slow_work_prints_a_line_every_ten_seconds_with_the_time_left():
    found = [(done, line) for done, line in told(1.0, 2761) if "of 2,761" in line]
    assert [done for done, _ in found[:3]] == [11, 21, 31]
    assert found[0][1] == "train: 11 of 2,761 (0%), about 46 min left, loss 11"
    assert found[-1] == (2761, "train: 2,761 of 2,761 (100%), done, loss 2761")


def test_quicker_work_prints_a_line_every_twentieth():
    found = [done for done, line in told(0.1, 1000) if "of 1,000" in line]
    assert found == [51, *range(101, 1000, 50), 1000][: len(found)]
    assert len(found) == 20


def test_no_remaining_time_is_told_before_the_whole_is():
    found = [line for _, line in told(0.5, 250)]
    assert found[0].startswith("train: about")
    assert "left" in found[1]


def test_what_ends_with_the_word_done_says_so_once():
    now, found = 0.0, []
    pace = Pace(found.append, True, lambda: now)
    for done in (0, 5, 10, 10):
        now += 11.0
        pace("audit", done, 10, "done" if done == 10 else "pgd")
    assert found[-2].startswith("audit: 5 of 10 model passes (50%)")
    assert found[-1] == "audit: 10 of 10 model passes (100%), done"


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("audit", "67 of 1,797 model passes"),
        ("evaluate, t* = 50", "67 of 1,797 model passes"),
        ("train", "67 of 1,797"),
    ],
)
def test_what_is_counted_is_named_where_the_stage_does_not(stage, said):
    assert done_of(stage, 67, 1797) == said


@pytest.mark.parametrize("width", [80, 130])
def test_a_bar_is_a_line_that_names_what_it_counts(width):
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    bars = drawn(console)
    stages = ("adversarial-training", "audit", "evaluate, t* = 50")
    for stage in stages:
        bars.add_task(stage, total=1797, completed=67, info="eot-pgd, L-inf 2/255, 4 of 12 images")
    console.print(bars.get_renderable())
    lines = console.file.getvalue().splitlines()
    assert len(lines) == len(stages)
    for stage, line in zip(stages, lines, strict=True):
        assert line.startswith(stage)
        assert f" {done_of(stage, 67, 1797, '/')} " in line
        assert " eot-pgd, " in line
        assert " / -:--:--" in line


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


def test_a_stage_that_begins_again_has_a_pace_of_its_own():
    now, found = 0.0, []
    pace = Pace(found.append, clock=lambda: now)
    for each in (2.0, 6.0):
        for done in range(1, 32):
            now += each
            pace("certify", done, 31)
    assert found == ["certify: about 60 s on this machine", "certify: about 3 min on this machine"]


STAGES = {"train": 2000, "adversarial-training": 3840.0, "selection": None, "map-head": 700.0}


def planned(stages: dict[str, float | None], seconds: dict[str, float]) -> list[str]:
    """Return what is said of stages of 100 units, each of which takes its seconds."""
    now, found = 50.0, []
    pace = Pace(found.append, clock=lambda: now)
    pace.plan("fit", stages)
    for stage, each in seconds.items():
        for done in range(1, 101):
            now += each
            pace(stage, done, 100)
    return found


def test_the_length_of_the_whole_follows_from_the_first_stage_and_is_refined():
    found = planned(
        STAGES, {"train": 6.0, "adversarial-training": 12.0, "selection": 3.0, "map-head": 2.0}
    )
    # 600 s of training are 0.3 s a unit of cost: 6,540 units take 1,962 s
    assert found[0] == (
        "fit: about 33 min on this machine, of which train 10 min, and then selection"
    )
    # 1,200 s of 3,840 units, of which two hundredths are done: 700 more units take 219 s
    assert found[1] == (
        "fit: about 23 min left, of which adversarial-training 20 min, and then selection"
    )
    assert found[2] == "fit: about 9 min left, of which selection 5 min"
    assert found[3] == "map-head: about 3 min on this machine"


def test_no_stage_takes_longer_than_what_is_left_of_the_whole():
    now, found = 0.0, []
    pace = Pace(found.append, clock=lambda: now)
    pace.plan("fit", {"train": 100.0, "selection": 100.0, "map-head": 10.0})
    for stage, each in (("train", 1.0), ("selection", 25.0)):
        for done in range(1, 101, 1 if stage == "train" else 25):
            now += each
            pace(stage, done, 100)
    # 25 s for a quarter: 74 more units take 74 s, and 10 of the map head 10 s
    assert found[1] == "fit: about 84 s left, of which selection 74 s"


def test_what_cannot_be_known_is_named_and_not_invented():
    only = {"train": 2000, "selection": None}
    assert planned(only, {"train": 8.4}) == [
        "train: about 14 min on this machine, and then selection"
    ]
    unknown = {"train": None, "map-head": 700}
    assert planned(unknown, {"train": 6.0}) == [
        "train: about 10 min on this machine, and then map-head"
    ]


def test_a_resumed_stage_gives_the_time_of_what_is_left_of_it():
    now, found = 0.0, []
    pace = Pace(found.append, clock=lambda: now)
    pace.plan("fit", {"train": 100, "map-head": 50})
    for done in range(81, 101):
        now += 10.0
        pace("train", done, 100)
    assert found == ["fit: about 12 min on this machine, of which train 3 min"]


def test_the_stages_of_the_presets_are_told_before_the_first():
    heard = []

    class Listener:
        def plan(self, work, stages):
            heard.append((work, dict(stages)))

        def __call__(self, stage, done, total, info=""):
            heard.append(stage)

    for name in ("hardsight", "patchguard"):
        announce(Listener(), "fit", load_preset(name).fit.stages)
    announce(quiet, "fit", {"train": 1})  # who does not listen is left alone
    (_, bastion), (_, patchguard) = heard
    assert list(bastion) == [
        "train", "adversarial-training", "selection", "map-head-warm-up", "map-head"
    ]  # fmt: skip
    assert bastion["adversarial-training"] == pytest.approx(1600 * (1 + 2 * 0.7))
    assert bastion["selection"] is None
    assert patchguard == {"warm-up": 400, "train": 1100 * (1 + 4 * 0.7), "selection": None}
