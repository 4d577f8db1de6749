"""Counterparts of connections on this machine, and decisions to tell them."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable

from hardsight.serve.decision import Decision


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def decision(label: bool = False, source: str = "a.png", image: str = "0" * 64) -> Decision:
    return Decision(source, image, 1.5, 0.25, label, 2.0, "parts", "f" * 16)


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something is true, which is checked at the end."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    assert true()


class Loop:
    """An event loop in a thread, for servers that need one; a context manager."""

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        return self

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def __exit__(self, *error):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
