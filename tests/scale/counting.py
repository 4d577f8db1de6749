"""Work for workers: what they do, and how they die."""

import multiprocessing
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Squares:
    """Squares a number; the keys in ``deadly`` kill their worker so many times before."""

    folder: Path
    deadly: tuple[int, ...] = ()
    times: int = 1
    seconds: float = 0

    def __call__(self, key, tell):
        tell("began", key)
        mark = self.folder / f"{key}-{len(list(self.folder.glob(f'{key}-*')))}"
        mark.touch()
        time.sleep(self.seconds)
        if key in self.deadly and len(list(self.folder.glob(f"{key}-*"))) <= self.times:
            os.kill(os.getpid(), signal.SIGKILL)
        return key**2

    def attempts(self, key):
        return len(list(self.folder.glob(f"{key}-*")))


def megabytes(key, tell):
    return bytes(4 * 2**20)


def refuse(key, tell):
    raise ValueError(f"no {key}")


class TwoWordsError(Exception):
    """Takes more than its message, so that no other process can make it again."""

    def __init__(self, first, second):
        super().__init__(f"{first} {second}")


def refuse_in_two_words(key, tell):
    raise TwoWordsError("no", key)


def begun():
    """Tell whether SIGINT is masked in a process as it begins without Ctrl-C."""
    from hardsight.scale.processes import _without_ctrl_c

    context = multiprocessing.get_context("spawn")
    own, its = context.Pipe()
    process = context.Process(target=_send_masked, args=(its,))
    with _without_ctrl_c():
        process.start()
    found = own.recv()
    process.join()
    return found


def _send_masked(connection):
    connection.send(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
