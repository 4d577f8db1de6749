"""What the inspection log refuses."""

from hardsight.core.explained import ExplainedError


class LogError(ExplainedError):
    """Rows that could not be made durable, or read; none of them counts as acknowledged.

    Args:
        reason: what failed, and the way out.
        full: whether the disk is full.
    """

    def __init__(self, reason: str, full: bool = False) -> None:
        super().__init__(reason)
        self.full = full


class UnknownDecisionError(LookupError):
    """An id that no decision of the log has."""

    def __init__(self, decision: str) -> None:
        super().__init__(f"decision={decision!r} is not in the log; take an id that it lists")
