"""Jobs carried out by an engine, of which one that fails stops no other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol

from hardsight.core.engine import Engine, K, Tell, Work
from hardsight.core.explained import explanation


class Watch(Protocol):
    """Is told of everything that happens to a job, by its number."""

    def __call__(self, job: int, /, stage: str, done: int, total: int, info: str = "") -> None:
        """Take notice that ``done`` of ``total`` units of a stage are finished."""


def try_each(
    work: Work[K, Any], jobs: Sequence[K], engine: Engine, watch: Watch
) -> Iterator[tuple[int, str | None]]:
    """Yield the number of each job as it ends, and why it failed, or None.

    Args:
        work: carries out a job, and tells stage, done, total and perhaps more.
        jobs: in the order of their numbers.
        engine: by which.
        watch: is told what the work tells, and of "done" or "failed" in the end.
    """
    for job, why in engine.run(_Tried(work), jobs, watch):
        watch(job, "failed" if why else "done", 1, 1, why or "")
        yield job, why


@dataclass(frozen=True)
class _Tried(Generic[K]):
    """Carries out work, and returns why it failed, or None."""

    work: Work[K, Any]

    def __call__(self, job: K, tell: Tell) -> str | None:
        try:
            self.work(job, tell)
        except Exception as error:
            said = explanation(error)
            if said is None:
                raise
            return said
        return None
