"""The line of accepted work: bounded, first come first served, batched by model."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from hardsight.serve.scoring.job import Job

Aside = Callable[[], None]
"""Work that waits until no image does."""


class QueueFullError(RuntimeError):
    """More work than may wait; ``seconds`` says when to try again."""

    def __init__(self, what: str, seconds: int = 1) -> None:
        super().__init__(f"{what}; try again in {seconds} s")
        self.seconds = seconds


class StoppedError(RuntimeError):
    """Work for a service that finishes what it accepted, and accepts no more."""

    def __init__(self) -> None:
        super().__init__("the service is stopping and accepts no more; ask another one")


class Line:
    """Images that wait for the model thread, and other work that waits for a lull.

    Args:
        images: accepted and not yet answered, at most.
        asides: other work that may wait.
    """

    def __init__(self, images: int, asides: int) -> None:
        self.limit, self._most_asides = images, asides
        self._changed = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._asides: deque[Aside] = deque()
        self._open = 0
        self._stopped = False

    @property
    def unanswered(self) -> int:
        """How many images were accepted and not answered yet."""
        return self._open

    def join(self, jobs: Sequence[Job]) -> None:
        """Accept all of some images, or none.

        Raises:
            QueueFullError, StoppedError: none was accepted.
        """
        with self._changed:
            self._check()
            if self._open + len(jobs) > self.limit:
                raise QueueFullError(
                    f"{self._open} images wait, and {len(jobs)} more are over the {self.limit} "
                    "that may"
                )
            self._open += len(jobs)
            self._jobs.extend(jobs)
            self._changed.notify()

    def put_aside(self, work: Aside) -> None:
        """Accept work that is done when no image waits.

        Raises:
            QueueFullError, StoppedError: it was not accepted.
        """
        with self._changed:
            self._check()
            if len(self._asides) >= self._most_asides:
                raise QueueFullError(f"{len(self._asides)} attacks and certificates wait already")
            self._asides.append(work)
            self._changed.notify()

    def answered(self, count: int) -> None:
        """Make room for as many images."""
        with self._changed:
            self._open -= count

    def take(self) -> list[Job] | Aside | None:
        """Wait for work: images of one model up to its batch, other work, or None at the end."""
        with self._changed:
            while not (self._jobs or self._asides or self._stopped):
                self._changed.wait()
            if self._jobs:
                return self._batch()
            return self._asides.popleft() if self._asides else None

    def stop(self) -> None:
        """Accept no more; what was accepted is still taken."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _check(self) -> None:
        if self._stopped:
            raise StoppedError

    def _batch(self) -> list[Job]:
        """Take the jobs of the first one's model, past those of others, which keep their places."""
        model = self._jobs[0].model
        taken: list[Job] = []
        passed: deque[Job] = deque()
        while self._jobs and len(taken) < model.at_once:
            job = self._jobs.popleft()
            (taken if job.model is model else passed).append(job)
        self._jobs.extendleft(reversed(passed))
        return taken
