"""What a validation found wrong, in words."""

from collections.abc import Sequence
from typing import Any, Protocol


class Validated(Protocol):
    """An error of pydantic's, or one of FastAPI's made of it."""

    def errors(self) -> Sequence[Any]:
        """Return what was found wrong: at least one, each with its place and a message."""
        ...


def first_problem(error: Validated) -> str:
    """Return what a validation found wrong first, as ``images.0.data: Field required``."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else str(first["msg"])
