"""Ctrl-C that waits for the end of the step."""

import logging
import signal
import threading
from types import FrameType, TracebackType

_log = logging.getLogger(__name__)


class Interrupt:
    """While entered, the first SIGINT sets ``asked``; a second one raises KeyboardInterrupt.

    In the middle of a step the weights and the optimiser disagree: stopping there could not be
    resumed. Outside the main thread, which alone receives signals, it does nothing.
    """

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> "Interrupt":
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:
            self._before = signal.signal(signal.SIGINT, self._first)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._main:
            signal.signal(signal.SIGINT, self._before)

    def _first(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _log.warning("stopping after this step; press Ctrl-C again to stop without saving")
