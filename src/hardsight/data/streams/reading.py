"""Reading a stream while what was read is used."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from hardsight.data.streams.frames import Frame

LOOK = 0.5
"""Seconds between two looks whether reading was stopped: a handler of Ctrl-C that runs in the
waiting thread itself, between its look and its wait, wakes nobody."""


class Reading:
    """Runs a source of frames in a thread, and hands out what is there in batches.

    A context manager: leaving it stops the source.

    Args:
        source: opens it: an event that tells it to stop -> frames.
        ahead: frames that wait at most.
        newest: where more would wait, drop the oldest instead of holding up the source; ``dropped``
            counts them. For cameras.
    """

    def __init__(
        self,
        source: Callable[[threading.Event], Iterator[Frame]],
        ahead: int,
        newest: bool = False,
    ) -> None:
        if ahead < 1:
            raise ValueError(f"ahead must be at least 1, got {ahead}")
        self._source, self._ahead, self._newest = source, ahead, newest
        self._stop, self._changed = threading.Event(), threading.Condition()
        self._waiting: deque[Frame] = deque()
        self._ended = False
        self.dropped = 0

    def __enter__(self) -> Self:
        frames = self._source(self._stop)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="reading")
        self._work = self._pool.submit(self._read, frames)
        return self

    def __exit__(
        self,
        error: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._pool.shutdown()

    def stop(self) -> None:
        """Read no more, and hand out no more."""
        with self._changed:
            self._stop.set()
            self._changed.notify_all()

    def batches(self, most: int) -> Iterator[list[Frame]]:
        """Yield what waits, at most so many frames and at least one, as soon as there is one.

        Raises:
            Exception: the source's own, after its last frame.
        """
        while True:
            with self._changed:
                while not self._changed.wait_for(self._due, LOOK):
                    pass
                if self._stop.is_set():
                    return
                frames = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
                self._changed.notify_all()
            if not frames:
                self._work.result()
                return
            yield frames

    def _due(self) -> bool:
        """Tell whether there is a frame to hand out, or none will come."""
        return bool(self._waiting) or self._ended or self._stop.is_set()

    def _read(self, frames: Iterator[Frame]) -> None:
        try:
            for frame in frames:
                with self._changed:
                    if self._newest:
                        while len(self._waiting) >= self._ahead:
                            self._waiting.popleft()
                            self.dropped += 1
                    self._changed.wait_for(
                        lambda: len(self._waiting) < self._ahead or self._stop.is_set()
                    )
                    if self._stop.is_set():
                        return
                    self._waiting.append(frame)
                    self._changed.notify_all()
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
