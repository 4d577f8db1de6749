"""A figure of a paper."""

from typing import NamedTuple


class Published(NamedTuple):
    """A figure of a paper."""

    value: float
    """In [0, 1]."""
    place: str
    """Where it stands."""
