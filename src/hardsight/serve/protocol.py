"""HTTP over connections that end when nothing moves on them any more."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from hardsight.serve.limits import Limits


class PunctualProtocol(H11Protocol):
    """Ends connections that hold a place and use it for nothing.

    uvicorn waits without end for a first request, for the rest of a request's head, and for a
    client that reads no answer. Here each of them has the seconds of a request, and at most twice
    as many.

    Args:
        limits: connections, and seconds.
        given: see ``H11Protocol``.
    """

    def __init__(self, limits: Limits, **given: Any) -> None:
        super().__init__(**given)
        self._limits = limits
        self._look: asyncio.TimerHandle | None = None
        self._seen: object = None
        """The request of the last look; None: there was none yet."""
        self._moved = True
        """Whether the client took some of the answer since the last look."""

    def connection_made(self, transport: Any) -> None:
        """Take a connection, or end it where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            transport.abort()
        else:
            self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """Know that the client reads."""
        self._moved = True
        super().resume_writing()

    def _look_later(self) -> None:
        self._look = self.loop.call_later(self._limits.seconds, self._end_if_nothing_moves)

    def _end_if_nothing_moves(self) -> None:
        waits = self.cycle is None or self.cycle.response_complete
        idle = waits and self.cycle is self._seen
        deaf = self.flow.write_paused and not self._moved
        if idle or deaf:
            self.transport.abort()
            return
        self._seen, self._moved = self.cycle, False
        self._look_later()
