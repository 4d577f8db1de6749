"""The jobs of a plan carried out by an engine."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from hardsight.benchmark.job import EMBEDDED, DataAsked, Job, Places
from hardsight.benchmark.measuring import Measurement
from hardsight.benchmark.plan import Plan
from hardsight.core.engine import HERE, Engine, Tell
from hardsight.data.layouts.digits import write_digits
from hardsight.data.textures import write_textures

EXPLAINED = (ValueError, TypeError, OSError, ImportError)
"""What stops one job and not the others: its message says why."""


class Watch(Protocol):
    """Is told of everything that happens to a job, by its number."""

    def __call__(self, job: int, stage: str, done: int, total: int, info: str = "") -> None:
        """Take notice that ``done`` of ``total`` units of a stage are finished."""


@dataclass(frozen=True)
class Workers:
    """Who carries out the jobs.

    Args:
        engine: how many beside each other, and where; see ``hardsight.scale``.
        devices: of the jobs in turn; "auto": an accelerator if there is one.
    """

    engine: Engine = HERE
    devices: Sequence[str] = ("auto",)

    def device(self, job: int) -> str:
        """Return the device of a job."""
        return self.devices[job % len(self.devices)]


@dataclass
class Outcome:
    """What became of a plan's jobs."""

    finished: list[Job] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """Job's name -> why."""


def carry_out(plan: Plan, places: Places, workers: Workers, watch: Watch) -> Outcome:
    """Carry out every job of a plan whose images are there, and go on with those begun.

    A job that cannot be carried out stops no other; what it lacks is among ``failed``.

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

    def heard(place: int, stage: str, done: int, total: int, info: str = "") -> None:
        watch(work[place][0], stage, done, total, info)

    for place, why in workers.engine.run(_Measuring(plan, places, workers), work, heard):
        k, job = work[place]
        if why is None:
            found.finished.append(job)
        else:
            found.failed[job.name] = why
        watch(k, "failed" if why else "done", 1, 1, why or "")
    return found


def write_embedded(data: DataAsked, folder: Path) -> None:
    """Write a data set that comes along into a folder."""
    if data.name == "digits":
        write_digits(folder)
    else:
        write_textures(folder, data.categories, **data.make)


class _Measuring:
    """Carries out a job, given with its number, and returns why it failed, or None."""

    def __init__(self, plan: Plan, places: Places, workers: Workers) -> None:
        self._plan, self._places = plan, places
        self._device = replace(workers, engine=HERE).device

    def __call__(self, numbered: tuple[int, Job], tell: Tell) -> str | None:
        k, job = numbered
        made = Measurement(job, self._plan, self._places, self._device(k), tell).entries()
        try:
            for done, entry in enumerate(made, 1):
                tell("entries", done, len(self._plan.threats), entry.threat.name)
        except EXPLAINED as error:
            return str(error)
        return None
