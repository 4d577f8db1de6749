"""Who carries out work that falls into independent parts: the contract, and this process alone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from hardsight.core.progress import quiet

K = TypeVar("K")
R = TypeVar("R")
Tell = Callable[..., None]
"""Takes an event of the work that is going on."""
Work = Callable[[K, Tell], R]
"""``(key, tell)`` -> what is made of the key. It and its keys can be pickled."""


class EngineError(OSError):
    """Workers that cannot be had, or that end again and again; the message says the way out."""


class Engine(Protocol):
    """Carries out work key by key; where, and how many at a time, changes no result."""

    @property
    def workers(self) -> int:
        """How many keys are worked at beside each other."""
        ...

    def run(
        self, work: Work[K, R], keys: Iterable[K], heard: Tell = quiet
    ) -> Iterator[tuple[int, R]]:
        """Yield place and result of each key as it is finished, in any order.

        Args:
            work: depends on the key alone, so that it may be done again.
            keys: taken one by one, each when a worker is free for it.
            heard: is told ``(place, *event)`` of what the work tells.

        Raises:
            EngineError: a key ended its worker too often.
            Exception: the work's own.
        """
        ...


class ThisProcess:
    """The engine that carries out the keys here, one after another."""

    workers = 1

    def run(
        self, work: Work[K, R], keys: Iterable[K], heard: Tell = quiet
    ) -> Iterator[tuple[int, R]]:
        """Yield place and result of each key, in order; see ``Engine``."""
        for place, key in enumerate(keys):
            yield place, work(key, partial(heard, place))


HERE = ThisProcess()


@dataclass(frozen=True)
class Workers:
    """Who carries out long jobs.

    Args:
        engine: how many beside each other, and where; see ``hardsight.scale``.
        devices: of the jobs in turn; "auto": an accelerator if there is one.
    """

    engine: Engine = HERE
    devices: Sequence[str] = ("auto",)

    def device(self, job: int) -> str:
        """Return the device of a job."""
        return self.devices[job % len(self.devices)]


def in_order(found: Iterable[tuple[int, R]]) -> Iterator[R]:
    """Yield the results of places 0, 1, ... in this order, whatever order they come in."""
    early: dict[int, Any] = {}
    following = 0
    for place, result in found:
        early[place] = result
        while following in early:
            yield early.pop(following)
            following += 1
