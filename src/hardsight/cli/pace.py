"""How long long work takes, told from its first timed steps."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

TIMED = 3.0
"""Seconds of a stage's steps from which its length is estimated."""
WORTH_SAYING = 30.0
"""Seconds that a stage must take for its length to be announced."""
EVERY, SHARE, AT_MOST = 10.0, 0.05, 1.0
"""A line comes after so many seconds, or such a share of the stage; at most one in a second."""


LAST = 3.0
"""Seconds below which no remaining time is said."""
COUNTED = dict.fromkeys(("attack", "audit", "evaluate"), "model passes")
"""Stage -> what its units are, of those that add up unequal parts of work by what these cost: an
image once through the model and back, see ``hardsight.evaluation.costs.Meter``."""


def duration(seconds: float) -> str:
    """Return a time as a person says it: "70 ms", "40 s", "46 min", "4 h 20 min"."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02} min"


def done_of(stage: str, done: float, total: float | None, of: str = " of ") -> str:
    """Return how much of a stage is done, in its units: "67 of 1,797 model passes"."""
    unit = COUNTED.get(stage.partition(",")[0], "")
    return f"{done:,.0f}{of}{total or 0:,.0f} {unit}".rstrip()


def remaining(seconds: float) -> str:
    """Return "about 20 s left", no finer than it can be known, or "" of the last moments."""
    if seconds < LAST:
        return ""
    return f"about {duration(max(5, 5 * round(seconds / 5)))} left"


@dataclass
class Stage:
    """The pace of a stage, from its first unit on: that one also warms up the machine."""

    begun: float
    first: int
    """Units that were done then."""
    said: float
    """When a line was last printed."""
    shown: int
    """Units that were done then."""
    done: int
    """Units that are done."""
    announced: bool = False

    def left(self, done: int, total: int, now: float) -> float | None:
        """Return the seconds that are left, or None before they can be known."""
        if done <= self.first:
            return None
        return (total - done) * (now - self.begun) / (done - self.first)


@dataclass
class Plan:
    """The stages of long work, and what they cost beside each other."""

    work: str
    """What consists of them, e.g. "fit"."""
    costs: Mapping[str, float | None]
    """Stage -> cost, in order; None: not known before it begins."""
    begun: float
    said: bool = False
    """Whether the length of the whole was told."""
    rate: float | None = None
    """Seconds of a unit of cost, by the last stage that was timed and whose cost is known."""

    def after(self, stage: str, share: float, left: float) -> tuple[float, str]:
        """Return the seconds of all later stages that can be told, and the names of the others.

        Args:
            stage: that is being done.
            share: of it that is left.
            left: the seconds of that.
        """
        names = list(self.costs)
        if (cost := self.costs[stage]) and left:
            self.rate = left / (cost * share)
        seconds, unknown = 0.0, []
        for name in names[names.index(stage) + 1 :]:
            cost = self.costs[name]
            if cost is None or self.rate is None:
                unknown.append(name)
            else:
                seconds += cost * self.rate
        return seconds, " and ".join(unknown)


class Pace:
    """Announces how long long work and each of its stages takes, once some steps were timed.

    Args:
        write: prints a line.
        lines: print one whenever it is due, too: where no bar is drawn.
        clock: in seconds.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        lines: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write, self._lines, self._clock = write, lines, clock
        self._stages: dict[str, Stage] = {}
        self._plan: Plan | None = None

    def plan(self, work: str, stages: Mapping[str, float | None]) -> None:
        """Take notice of the stages that are to come, see ``PlannedProgress``."""
        self._plan = Plan(work, stages, self._clock())

    def __call__(self, stage: str, done: int, total: int, info: str = "") -> None:
        """Take notice that ``done`` of ``total`` units of a stage are finished."""
        now = self._clock()
        known = self._stages.get(stage)
        if known is None or done < known.done:  # it begins, perhaps another time
            known = self._stages[stage] = Stage(now, done, now, done, done)
        known.done = done
        left = known.left(done, total, now)
        if left is not None and not known.announced and now - known.begun >= TIMED:
            known.announced = True
            self._announce(stage, now - known.begun, left, 1 - done / total)
        timed = known.announced or done == total
        if self._lines and timed and left is not None and _is_due(known, done, total, now):
            known.said, known.shown = now, done
            moved = f"{stage}: {done_of(stage, done, total)} ({done / total:.0%})"
            rest = remaining(left) if done < total else "done"
            self._write(", ".join(dict.fromkeys(filter(None, (moved, rest, info)))))

    def _announce(self, stage: str, taken: float, left: float, share: float) -> None:
        """Say how long a stage takes and, where it is one of a plan, how long the whole does."""
        whole, then, later, plan = taken + left, "", 0.0, self._plan
        line = f"{stage}: about {duration(whole)} on this machine"
        if plan is not None and stage in plan.costs:
            later, unknown = plan.after(stage, share, left)
            if later:
                part = f"of which {stage} {duration(left if plan.said else whole)}"
                whole = left + later + (0 if plan.said else self._clock() - plan.begun)
                where = "left" if plan.said else "on this machine"
                line = f"{plan.work}: about {duration(whole)} {where}, {part}"
            then, plan.said = f", and then {unknown}" if unknown else "", True
        if whole >= WORTH_SAYING and (left or later):  # else it is over
            self._write(line + then)


def _is_due(stage: Stage, done: int, total: int, now: float) -> bool:
    if stage.shown == total:  # said already
        return False
    waited = now - stage.said
    moved = done - stage.shown >= SHARE * total or done == total
    return waited >= EVERY or (moved and waited >= AT_MOST)
