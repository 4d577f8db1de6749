"""The jobs of a plan carried out by an engine."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hardsight.benchmark.job import EMBEDDED, DataAsked, Job, Places
from hardsight.benchmark.measuring import Measurement
from hardsight.benchmark.plan import Plan
from hardsight.core.engine import HERE, Tell, Workers
from hardsight.core.lock import locked
from hardsight.data.layouts.digits import write_digits
from hardsight.data.textures import write_textures
from hardsight.runs.trying import Watch, try_each


@dataclass
class Outcome:
    """What became of a plan's jobs."""

    finished: list[Job] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """Job's name -> why."""


def carry_out(plan: Plan, places: Places, workers: Workers, watch: Watch) -> Outcome:
    """Carry out every job of a plan whose images are there, and go on with those begun.

    A job that cannot be carried out stops no other; what it lacks is among ``failed``. Those whose
    method takes parts of another one's run come last.

    Args:
        plan: what is measured.
        places: where.
        workers: by whom.
        watch: is told.
    """
    jobs, found = list(plan.jobs()), Outcome()
    for data in plan.data:
        if data.name in EMBEDDED:
            write_embedded(data, places.embedded(data.name))
    work: list[tuple[int, Job]] = []
    for k, job in enumerate(jobs):
        lacking = job.missing(places)
        if lacking is None:
            work.append((k, job))
        else:
            found.failed[job.name] = lacking

    measuring = _Measuring(plan, places, workers)
    lending = [(k, job) for k, job in work if not job.method.parts]
    for part in (lending, [one for one in work if one not in lending]):
        told = _Renumbered(watch, [k for k, _ in part])
        for place, why in try_each(measuring, part, workers.engine, told):
            job = part[place][1]
            if why is None:
                found.finished.append(job)
            else:
                found.failed[job.name] = why
    return found


def write_embedded(data: DataAsked, folder: Path) -> None:
    """Write a data set that comes along into a folder."""
    if data.name == "digits":
        write_digits(folder)
    else:
        write_textures(folder, data.categories, **data.make)


@dataclass(frozen=True)
class _Renumbered:
    """Tells of the jobs of a part of a plan by their numbers in the whole."""

    watch: Watch
    numbers: Sequence[int]

    def __call__(self, job: int, /, stage: str, done: int, total: int, info: str = "") -> None:
        self.watch(self.numbers[job], stage, done, total, info)


class _Measuring:
    """Carries out a job, given with its number."""

    def __init__(self, plan: Plan, places: Places, workers: Workers) -> None:
        self._plan, self._places = plan, places
        self._device = replace(workers, engine=HERE).device

    def __call__(self, numbered: tuple[int, Job], tell: Tell) -> None:
        k, job = numbered
        measured = Measurement(job, self._plan, self._places, self._device(k), tell)
        with locked(measured.folder):
            for done, entry in enumerate(measured.entries(), 1):
                tell("entries", done, len(self._plan.threats), entry.threat.title)
