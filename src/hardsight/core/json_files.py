"""Reading JSON files that hardsight wrote, so that a damaged one is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def read_json(
    path: str | Path,
    way_out: str,
    make: Callable[[Any], T],
    fault: str = "damaged",
    holds: type[dict[str, Any]] | type[list[Any]] = dict,
) -> T:
    """Return what ``make`` makes of the object, or the list, in a JSON file.

    Args:
        path: of the file.
        way_out: what is to be done where it is damaged, for the message.
        make: of what the file holds; what it raises of values that are missing or others is
            explained.
        fault: what a file is that nothing can be made of.
        holds: an object (dict) or a list.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it holds no JSON, not what it should, or something that nothing can be made of;
            the message names the file, what is wrong with it and the way out.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(found, holds):
            wanted = "object" if holds is dict else "list"
            raise ValueError(f"it holds no {wanted} but a {type(found).__name__}")
        return make(found)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{path} is {fault} ({why}); {way_out}") from error


def read_object(path: str | Path, way_out: str) -> dict[str, Any]:
    """Return the object in a JSON file; see ``read_json``."""
    return read_json(path, way_out, lambda found: found)
