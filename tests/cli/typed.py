"""Commands as a person types them, and what they answer."""

import os
import signal
import threading
from collections.abc import Callable

from typer.testing import CliRunner

from hardsight.cli.app import app


def call(*arguments: object):
    """Run ``hardsight`` with arguments."""
    return CliRunner().invoke(app, [str(a) for a in arguments])


def interrupted(when: Callable[[], object], *arguments: object):
    """Run ``hardsight`` and press Ctrl-C as soon as ``when`` is true."""
    ended = threading.Event()

    def press() -> None:
        while not ended.wait(0.002):
            if when():
                os.kill(os.getpid(), signal.SIGINT)
                return

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as a new process has it
    watcher = threading.Thread(target=press)
    watcher.start()
    try:
        return call(*arguments)
    finally:
        ended.set()
        watcher.join()
        signal.signal(signal.SIGINT, before)


def words(result) -> str:
    """Everything printed, in one line."""
    return " ".join((result.stdout + result.stderr).split())
