"""Workers beside each other as one engine: keys handed out, and again where a worker died."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from types import TracebackType
from typing import Any, Literal, NamedTuple, Protocol, Self

from hardsight.core.engine import EngineError, K, R, Tell, Work
from hardsight.core.progress import quiet

RETRIES = 3
"""Times that a key is given to another worker, and that a worker may end before it begins."""


class Event(NamedTuple):
    """What happened to a worker."""

    worker: int
    form: Literal["ready", "told", "done", "failed", "died"]
    value: Any = None
    """The event told, the result, the error, or why it died."""


class Crew(Protocol):
    """Workers that each carry out one key at a time, and may die."""

    size: int

    def take(self, work: Work[Any, Any]) -> None:
        """Have all keys from now on carried out by this work."""
        ...

    def start(self, worker: int) -> None:
        """Begin a worker, which will be "ready"."""
        ...

    def give(self, worker: int, key: object) -> None:
        """Give a ready worker its key: it is "done", "failed" or "died" in the end."""
        ...

    def events(self) -> list[Event]:
        """Wait for what happens next."""
        ...

    def stop(self, worker: int) -> None:
        """End a worker, whatever it does."""
        ...

    def close(self) -> None:
        """End all of them."""
        ...


class _Given(NamedTuple):
    """A key on its way."""

    place: int
    key: Any
    deaths: int = 0
    """Deaths of workers that it was given to."""


class Pool:
    """An engine of several workers, each with one key at a time.

    A worker is begun only for a key that no other is free for. Its death costs the key that it was
    at, which is carried out again elsewhere, and nothing else. A context manager: leaving it ends
    the workers.

    Args:
        crew: the workers.
        wrapped: what the workers are given of a work.
    """

    def __init__(self, crew: Crew, wrapped: Callable[[Any], Any] = lambda work: work) -> None:
        self._crew, self._wrapped = crew, wrapped
        self._begun: set[int] = set()
        """Workers that were started, and have not ended."""
        self._idle: set[int] = set()
        """Those of them that are ready for a key."""
        self._early = 0
        """Deaths in a row of workers that had no key."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._crew.close()

    @property
    def workers(self) -> int:
        """How many keys are worked at beside each other."""
        return self._crew.size

    def run(
        self, work: Work[K, R], keys: Iterable[K], heard: Tell = quiet
    ) -> Iterator[tuple[int, R]]:
        """Yield place and result of each key as it is finished; see ``Engine``."""
        todo = (_Given(place, key) for place, key in enumerate(keys))
        waiting: deque[_Given] = deque()
        busy: dict[int, _Given] = {}
        self._crew.take(self._wrapped(work))
        try:
            while self._hand_out(todo, waiting, busy) or busy:
                found, failed = [], None
                for worker, form, value in self._crew.events():
                    given = busy.get(worker)
                    if form in ("ready", "died"):
                        self._note(worker, form, value, given)
                    if given is None:
                        continue  # "told" comes after "done" where they take different ways
                    if form == "told":
                        heard(given.place, *value)
                        continue
                    del busy[worker]
                    if form == "died":
                        waiting.appendleft(given._replace(deaths=given.deaths + 1))
                        continue
                    self._idle.add(worker)
                    if form == "done":
                        found.append((given.place, value))
                    else:
                        failed = failed or value
                yield from found
                if failed is not None:
                    raise failed
        finally:
            if busy:  # the run is given up
                for worker in self._begun - self._idle:
                    self._crew.stop(worker)
                self._begun &= self._idle

    def _hand_out(
        self, todo: Iterator[_Given], waiting: deque[_Given], busy: dict[int, _Given]
    ) -> bool:
        """Give idle workers keys, begin others for the rest; return whether keys are waiting."""
        free = self.workers - len(busy)
        waiting.extend(islice(todo, max(0, free - len(waiting))))
        while self._idle and waiting:
            worker = self._idle.pop()
            busy[worker] = waiting.popleft()
            self._crew.give(worker, busy[worker].key)
        coming = len(self._begun) - len(busy)  # nobody is idle where keys are waiting
        for worker in islice(set(range(self.workers)) - self._begun, max(0, len(waiting) - coming)):
            self._begun.add(worker)
            self._crew.start(worker)
        return bool(waiting)

    def _note(self, worker: int, form: str, why: object, given: _Given | None) -> None:
        """Take notice that a worker is ready, or has died.

        Raises:
            EngineError: workers died too often, of one key or before they were given any.
        """
        if form == "ready":
            self._idle.add(worker)
            self._early = 0
            return
        self._begun.discard(worker)
        self._idle.discard(worker)
        self._early += given is None
        deaths = self._early if given is None else given.deaths + 1
        if deaths > RETRIES:
            what = "began" if given is None else f"finished part {given.place}"
            raise EngineError(
                f"{deaths} workers ended before they {what}, the last one: {why}; look at the "
                "memory there is for each, or take fewer with --workers"
            )
