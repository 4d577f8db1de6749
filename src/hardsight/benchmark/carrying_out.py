"""The jobs of a plan carried out: one after another, or in processes beside each other."""

import multiprocessing
import os
import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from hardsight.benchmark.job import EMBEDDED, DataAsked, Job, Places
from hardsight.benchmark.measuring import Measurement
from hardsight.benchmark.plan import Plan
from hardsight.core.threads import usable_cpus
from hardsight.data.layouts.digits import write_digits
from hardsight.data.textures import write_textures

EXPLAINED = (ValueError, TypeError, OSError, ImportError)
"""What stops one job and not the others: its message says why."""
LISTEN = 0.2
"""Seconds between looks at what the workers tell."""


class Watch(Protocol):
    """Is told of everything that happens to a job, by its number."""

    def __call__(self, job: int, stage: str, done: int, total: int, info: str = "") -> None:
        """Take notice that ``done`` of ``total`` units of a stage are finished."""


@dataclass(frozen=True)
class Workers:
    """Who carries out the jobs.

    Args:
        count: processes beside each other; 1: this one alone.
        devices: of the jobs in turn; "auto": an accelerator if there is one.
    """

    count: int = 1
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
    work: dict[int, Job] = {}
    for k, job in enumerate(jobs):
        lacking = job.missing(places)
        if lacking is None:
            work[k] = job
        else:
            found.failed[job.name] = lacking
    carried = _beside if workers.count > 1 else _alone
    for k, why in carried(plan, places, workers, watch, work):
        if why is None:
            found.finished.append(jobs[k])
        else:
            found.failed[jobs[k].name] = why
        watch(k, "failed" if why else "done", 1, 1, why or "")
    return found


def write_embedded(data: DataAsked, folder: Path) -> None:
    """Write a data set that comes along into a folder."""
    if data.name == "digits":
        write_digits(folder)
    else:
        write_textures(folder, data.categories, **data.make)


Ended = Iterator[tuple[int, str | None]]
"""Number of a job that ended, and why it failed."""


def _alone(
    plan: Plan, places: Places, workers: Workers, watch: Watch, work: Mapping[int, Job]
) -> Ended:
    for k, job in work.items():
        try:
            _measure(plan, job, places, workers.device(k), _Told(k, watch))
        except EXPLAINED as error:
            yield k, str(error)
        else:
            yield k, None


def _beside(
    plan: Plan, places: Places, workers: Workers, watch: Watch, work: Mapping[int, Job]
) -> Ended:
    context = multiprocessing.get_context("spawn")
    events: Any = context.Queue()
    threads = max(1, usable_cpus() // workers.count)
    with ProcessPoolExecutor(
        workers.count, mp_context=context, initializer=_begin, initargs=(events, threads)
    ) as pool:
        futures: dict[Future[None], int] = {
            pool.submit(_work, plan, job, places, workers.device(k), k): k
            for k, job in work.items()
        }
        while futures:
            _listen(events, watch)
            for future in [f for f in futures if f.done()]:
                error = future.exception()
                if error is not None and not isinstance(error, EXPLAINED):
                    pool.shutdown(cancel_futures=True)
                    raise error
                yield futures.pop(future), None if error is None else str(error)


def _listen(events: Any, watch: Watch) -> None:
    """Pass on what the workers told, waiting a moment for the first."""
    try:
        watch(*events.get(timeout=LISTEN))
        while True:
            watch(*events.get_nowait())
    except queue.Empty:
        return


@dataclass(frozen=True)
class _Told:
    """Tells of one job."""

    job: int
    tell: Callable[..., object]

    def __call__(self, stage: str, done: int, total: int, info: str = "") -> None:
        self.tell(self.job, stage, done, total, info)


_events: Any = None
"""Of a worker: where it tells."""


def _begin(events: Any, threads: int) -> None:
    """Set up a worker."""
    global _events
    _events = events
    torch.set_num_threads(threads)


def _report(*event: Any) -> None:
    """Tell of a worker's job; end with the process that began it, which may have been killed."""
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        os._exit(1)  # the pool would keep the worker waiting for more
    _events.put(event)


def _work(plan: Plan, job: Job, places: Places, device: str, number: int) -> None:
    _measure(plan, job, places, device, _Told(number, _report))


def _measure(plan: Plan, job: Job, places: Places, device: str, told: _Told) -> None:
    made = Measurement(job, plan, places, device, told).entries()
    for k, entry in enumerate(made, 1):
        told("entries", k, len(plan.threats), entry.threat.name)
