"""The two threads behind every request: the one computes, the other makes decisions durable."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Protocol, TypeVar

import torch

from hardsight.core.progress import quiet
from hardsight.serve.log import InspectionLog
from hardsight.serve.scoring.job import Answer, Job, Scored
from hardsight.serve.scoring.line import Line

T = TypeVar("T")
_log = logging.getLogger(__name__)
ASIDES = 4
"""Attacks and certificates that may wait."""


class Keeper(Protocol):
    """What keeps pictures of decisions, after these were acknowledged."""

    def __call__(self, job: Job, answer: Answer) -> None:
        """Keep what the policy wants of one decision."""


class Scorer:
    """Scores images in batches across requests, and answers when the decisions are on disk.

    While one batch is scored, what arrives meanwhile becomes the next: nobody waits for a batch
    to fill. While it is written, the next is scored; what was scored meanwhile is written in one
    transaction.

    Args:
        log: of the decisions.
        keep: told of each decision that was acknowledged.
        waiting: images accepted and not answered at most.
    """

    def __init__(self, log: InspectionLog, keep: Keeper, waiting: int) -> None:
        self._log, self._keep = log, keep
        self.line = Line(waiting, ASIDES)
        self._scored: SimpleQueue[Scored | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=work, name=f"hardsight-{work.__name__.strip('_')}")
            for work in (self._compute, self._write)
        ]
        self.batches: Callable[[int], None] = quiet
        for thread in self._threads:
            thread.start()

    def submit(self, jobs: Sequence[Job]) -> None:
        """Accept all of some images, or none; their answers come as futures.

        Raises:
            QueueFullError, StoppedError: none was accepted.
        """
        self.line.join(jobs)

    def aside(self, work: Callable[[], T]) -> "Future[T]":
        """Accept work for the thread that computes, to be done when no image waits.

        Raises:
            QueueFullError, StoppedError: it was not accepted.
        """
        answer: Future[T] = Future()
        self.line.put_aside(lambda: _fulfil(answer, work))
        return answer

    @property
    def alive(self) -> bool:
        """Whether both threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Finish what was accepted, and end."""
        self.line.stop()
        for thread in self._threads:
            thread.join()

    def _compute(self) -> None:
        while (work := self.line.take()) is not None:
            if isinstance(work, list):
                self._score(work)
            else:
                work()
        self._scored.put(None)

    def _score(self, taken: list[Job]) -> None:
        jobs = [job for job in taken if job.answer.set_running_or_notify_cancel()]
        self.line.answered(len(taken) - len(jobs))
        if jobs:
            self._decide(jobs)

    def _decide(self, jobs: list[Job]) -> None:
        """Score images of one model; of several that fail together, each alone."""
        try:
            images = torch.stack([job.image for job in jobs])
            decided, maps = jobs[0].model.decide(images, [job.arrival for job in jobs])
        except Exception as error:  # noqa: BLE001 - the thread serves others too; clients hear it
            _log.exception("a batch of %d images of %s failed", len(jobs), jobs[0].model.name)
            if len(jobs) == 1:
                self._fail(jobs, error)
            else:
                for job in jobs:
                    self._decide([job])
            return
        self.batches(len(jobs))
        self._scored.put(Scored(jobs, [Answer(*each) for each in zip(decided, maps, strict=True)]))

    def _write(self) -> None:
        ended = False
        while not ended:
            batches = [self._scored.get()]
            while not self._scored.empty():
                batches.append(self._scored.get())
            ended = batches[-1] is None
            self._acknowledge([batch for batch in batches if batch is not None])

    def _acknowledge(self, batches: list[Scored]) -> None:
        """Write the decisions of batches in one transaction, then answer."""
        jobs = [job for batch in batches for job in batch.jobs]
        answers = [answer for batch in batches for answer in batch.answers]
        try:
            self._log.append([answer.decision for answer in answers])
        except Exception as error:  # noqa: BLE001 - as in _decide
            _log.error("%d decisions are not acknowledged: %s", len(jobs), error)
            self._fail(jobs, error)
            return
        self.line.answered(len(jobs))
        for job, answer in zip(jobs, answers, strict=True):
            job.answer.set_result(answer)
        for job, answer in zip(jobs, answers, strict=True):
            try:
                self._keep(job, answer)
            except Exception:  # noqa: BLE001 - as in _decide
                _log.exception("no picture of decision %s is kept", answer.decision.id)

    def _fail(self, jobs: list[Job], error: Exception) -> None:
        self.line.answered(len(jobs))
        for job in jobs:
            job.answer.set_exception(error)


def _fulfil(answer: "Future[T]", work: Callable[[], T]) -> None:
    """Do work, unless nobody waits for it any more."""
    if not answer.set_running_or_notify_cancel():
        return
    try:
        answer.set_result(work())
    except Exception as error:  # noqa: BLE001 - as in _decide
        answer.set_exception(error)
