"""The contract of every connection."""

import json
import logging
from collections.abc import Sequence
from typing import Protocol

from hardsight.serve.decision import Decision, Listener

_log = logging.getLogger(__name__)


class Sink(Protocol):
    """Is told of decisions once they are recorded; neither waits for the other side nor fails.

    What is told by a sink is delivered by a thread of its own, at least once and in order; a
    decision's ``id`` tells a repeated one.
    """

    def send(self, decisions: Sequence[Decision]) -> None:
        """Take decisions, in their order.

        Raises:
            OSError: what must be kept until it is delivered cannot be written.
        """

    def failed(self, source: str, reason: str) -> None:
        """Take notice of an image about which nothing could be decided.

        Args:
            source: where it came from, see ``Decision``.
            reason: in words.
        """

    def close(self) -> list[str]:
        """Deliver what can be delivered now, end, and say in sentences what is left."""


def listener(sink: Sink) -> Listener:
    """Return a sink as a listener of the inspection log, which must raise nothing.

    What cannot be kept for delivery is said in the program's log; the decision itself is on disk.
    """

    def tell(decisions: Sequence[Decision]) -> None:
        try:
            sink.send(decisions)
        except OSError as error:
            _log.error("%d decisions are in the inspection log alone: %s", len(decisions), error)

    return tell


def message(decision: Decision) -> bytes:
    """Return a decision as JSON, its time as ISO 8601."""
    fields = decision.told() | {"time": decision.time.isoformat()}
    return json.dumps(fields, sort_keys=True).encode()


def failure(source: str, reason: str) -> bytes:
    """Return as JSON that nothing could be decided."""
    return json.dumps({"error": reason, "source": source}, sort_keys=True).encode()
