"""Errors whose message is for a person: it names what is wrong, and the way out."""

import errno

from hardsight.core.disk import FULL


class ExplainedError(RuntimeError):
    """Something that no other error of Python fits; the message says the way out."""


EXPLAINED = (ValueError, TypeError, OSError, ImportError, ExplainedError)
"""What the library raises for whoever called it, with a message for a person."""
NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc")
"""What torch says where memory ran out: on a GPU, on Linux, on Windows, in C++."""


def explanation(error: Exception) -> str | None:
    """Return what a person is told of an error, with the way out; None of one nobody foresaw."""
    if isinstance(error, MemoryError | RuntimeError) and _is_of_memory(error):
        said = str(error).partition("\n")[0].partition(" GPU ")[0] or type(error).__name__
        return (
            f"there is not enough memory ({said}); take smaller images (--size), fewer of them "
            "(--normals, --limit) or fewer at a time (--batch-size, --set training.batch_size=...)"
        )
    if isinstance(error, OSError) and error.errno is not None:  # of the system, in its words
        return _refused(error)
    return str(error) if isinstance(error, EXPLAINED) else None


def _is_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(said in str(error) for said in NO_MEMORY)


def _refused(error: OSError) -> str:
    """Return what the system refused, in words."""
    place = error.filename2 or error.filename
    if error.errno in FULL:
        return (
            f"no space is left on the disk for {place or 'what was to be written'} "
            f"({error.strerror}); free some there, or name a place on another disk"
        )
    if place is None:
        return str(error)
    if error.errno == errno.ENOENT:
        return f"{place} is not there, or lies in a folder that is not; name another"
    return (
        f"{place} can be neither read nor written as it is ({error.strerror}); name another place, "
        "or change what lies there or who may use it"
    )
