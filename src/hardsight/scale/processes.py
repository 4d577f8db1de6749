"""Workers as processes of this machine."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from hardsight.core.engine import Work
from hardsight.scale.pool import Event
from hardsight.scale.worker import Worker, pack, unpack

PATIENCE = 2.0
"""Seconds that processes are given to end by themselves."""


class Processes:
    """A crew of processes; they end with the one that began them.

    Args:
        size: how many.
        threads: of each.
    """

    def __init__(self, size: int, threads: int = 1) -> None:
        self.size, self._threads = size, threads
        self._context = multiprocessing.get_context("spawn")
        self._processes: dict[int, tuple[BaseProcess, Connection]] = {}
        self._work = b""
        self._taken: dict[int, bytes] = {}
        """Worker -> the packed work that it has."""

    def take(self, work: Work[Any, Any]) -> None:
        """Have all keys from now on carried out by this work; see ``Crew``."""
        self._work = pack(work)

    def start(self, worker: int) -> None:
        """Begin a process."""
        own, its = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(its, self._threads))
        with _without_ctrl_c():  # it begins and is known, or neither; loading, it hears none
            process.start()
            self._processes[worker] = process, own
        its.close()  # so that its end is the end of the pipe

    def give(self, worker: int, key: object) -> None:
        """Send a ready worker its key, and the work where it has another."""
        connection = self._processes[worker][1]
        with contextlib.suppress(BrokenPipeError):  # it died, which its pipe tells in ``events``
            if self._taken.get(worker) is not self._work:
                connection.send_bytes(pack(("take", self._work)))
                self._taken[worker] = self._work
            connection.send_bytes(pack(("key", key)))

    def events(self) -> list[Event]:
        """Wait for the next message or death of a worker."""
        of = {connection: worker for worker, (_, connection) in self._processes.items()}
        return [self._event(of[c], c) for c in wait(list(of)) if isinstance(c, Connection)]

    def stop(self, worker: int) -> None:
        """Kill a worker."""
        if worker not in self._processes:  # it died
            return
        process, connection = self._processes.pop(worker)
        self._taken.pop(worker, None)
        process.kill()
        process.join()
        connection.close()

    def close(self) -> None:
        """Let the workers end, and kill those that do not."""
        for _, connection in self._processes.values():
            connection.close()
        until = time.monotonic() + PATIENCE  # of all together
        for process, _ in self._processes.values():
            process.join(max(0, until - time.monotonic()))
            process.kill()
            process.join()
        self._processes.clear()

    def _event(self, worker: int, connection: Connection) -> Event:
        try:
            form, value = unpack(connection.recv_bytes())
        except (EOFError, ConnectionResetError):
            process = self._processes[worker][0]
            process.join(PATIENCE)
            code = process.exitcode
            self.stop(worker)
            return Event(worker, "died", f"process {process.pid} with exit code {code}")
        return Event(worker, form, value)


@contextlib.contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Hold Ctrl-C back, also from a process begun meanwhile, until ``_hear_ctrl_c`` there.

    That process inherits the mask of this thread. Here the system may hand Ctrl-C to any other
    thread, and Python answers it in the main one: by a note, meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():  # it is never answered here
        with _masked():
            yield
        return
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        with _masked():
            yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
        if heard:
            signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def _masked() -> Iterator[None]:
    """Keep SIGINT from this thread, and from a process that it begins."""
    if not hasattr(signal, "pthread_sigmask"):  # no POSIX system
        yield
        return
    resource_tracker.ensure_running()  # as it is begun it lifts the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _hear_ctrl_c() -> None:
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _serve(connection: Connection, threads: int) -> None:
    """Carry out what comes until whoever sends it is gone."""
    try:
        _hear_ctrl_c()
        worker = Worker(threads)
        tell = partial(_send, connection, "told")
        _send_value(connection, "ready", None)
        while True:
            form, value = unpack(connection.recv_bytes())
            if form == "take":
                worker.take(value)
            else:
                _send_value(connection, *worker.carry_out(value, tell))
    except (EOFError, KeyboardInterrupt):  # Ctrl-C reaches all processes of a terminal
        return


def _send(connection: Connection, form: str, *event: object) -> None:
    _send_value(connection, form, event)


def _send_value(connection: Connection, form: str, value: object) -> None:
    """Send an event; end at once where nobody is there any more, in the middle of a key too."""
    try:
        connection.send_bytes(pack((form, value)))
    except BrokenPipeError:
        os._exit(1)
