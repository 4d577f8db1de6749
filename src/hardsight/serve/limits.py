"""What the service takes, so that no client can exhaust it."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Limits:
    """The most of everything; what goes beyond is refused, and named.

    Raises:
        ValueError: one that is not positive.
    """

    body: int = 32 * 2**20
    """Bytes of a request's body."""
    bodies: int = 2**29
    """Bytes of the bodies of all requests at a time."""
    pixels: int = 40_000_000
    """Pixels of one image, by its header, before it is decoded."""
    images: int = 64
    """In one request."""
    waiting: int = 256
    """Images that were accepted and not answered yet, of all requests."""
    requests: int = 128
    """At a time."""
    connections: int = 512
    """At a time; one more is ended at once."""
    seconds: float = 30.0
    """For a client to send a request, and again for the answer."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise ValueError(f"{field.name}={getattr(self, field.name)} must be above 0")
