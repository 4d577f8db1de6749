"""Listening: on loopback without, elsewhere only with tokens; stopped by finishing."""

import ipaddress
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

import uvicorn

from hardsight.serve.api.guard import LOCAL
from hardsight.serve.app import build_app
from hardsight.serve.protocol import PunctualProtocol
from hardsight.serve.service import Service
from hardsight.serve.supervisor import READY, STOPPING, notify
from hardsight.serve.tokens import Tokens

GRACE = 2
"""Times the seconds of a request that a stop waits for those that run."""


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int, tokens: Tokens | None) -> socket.socket:
    """Return a socket that listens.

    Args:
        host: address or name.
        port: 0 takes a free one.
        tokens: needed wherever others reach the host.

    Raises:
        ValueError: no tokens for such a host.
        OSError: an address of another machine, or a port in use.
    """
    if tokens is None and not is_loopback(host):
        raise ValueError(
            f"host={host!r} is reached from other machines, and without a token anybody could use "
            "the service: give --token-file, or listen on 127.0.0.1"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise OSError(
            f"host={host!r}, port={port} cannot be listened on ({error.strerror or error}): take "
            "another --port, or end what uses it"
        ) from error


def run(service: Service, listening: socket.socket, tokens: Tokens | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C; what was accepted is finished before it returns."""
    notify(READY)
    Server(configured(service, listening, tokens)).run(sockets=[listening])


def configured(
    service: Service, listening: socket.socket, tokens: Tokens | None = None
) -> uvicorn.Config:
    """Return what uvicorn is to do for a service that is called by its socket's address too."""
    protocol: Any = partial(PunctualProtocol, service.limits)
    return uvicorn.Config(
        build_app(service, tokens, (*LOCAL, listening.getsockname()[0])),
        http=protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(GRACE * service.limits.seconds) + 1,
    )


class Server(uvicorn.Server):
    """A server that a signal ends as any other return does."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at the first signal; a second one ends what still runs."""

        def stop(number: int, frame: FrameType | None) -> None:
            notify(STOPPING)
            self.handle_exit(number, frame)

        before = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
