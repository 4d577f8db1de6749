"""Counts, names and settings in a sentence."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_YAML = {None: "null", True: "true", False: "false"}


def counted(count: int, noun: str) -> str:
    """Return "1 mask", "2 masks"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names in a row, of many the first few and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def quoted(path: str | Path) -> str:
    """Return a path as a shell takes it, in a command that a person may copy.

    Examples:
        >>> print("hardsight score", quoted("runs/top"), quoted("my parts"))
        hardsight score runs/top 'my parts'
    """
    return shlex.quote(str(path))


def in_words(value: Any) -> str:
    """Return settings as "name=value" in a row, as ``--set`` takes them; nested ones are dotted.

    Of one value, or of several in a list, the value alone.

    Examples:
        >>> in_words({"start": None, "detector": {"denoiser": {"patch": 2}, "ks": [50, 100]}})
        'start=null, detector.denoiser.patch=2, detector.ks=[50, 100]'
        >>> in_words(8 / 255), in_words(True)
        ('0.0313725', 'true')
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={one}" for name, one in _dotted(value))
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_entry, value))}]"
    if value is None or isinstance(value, bool):
        return _YAML[value]
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _dotted(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (name, value in words) of settings, those of nested ones by dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from ((f"{name}.{inner}", one) for inner, one in _dotted(value))
        else:
            yield name, _entry(value)


def _entry(value: Any) -> str:
    """Return a value in words; settings stand in braces, where a name cannot be dotted."""
    return f"{{{in_words(value)}}}" if isinstance(value, Mapping) else in_words(value)


def fraction_of_255(eps: float) -> str:
    """Return "2/255" for 0.00784, "0" for 0, and four decimals for what is no whole k / 255."""
    k = round(eps * 255)
    if abs(eps * 255 - k) < 2e-3:
        return f"{k}/255" if k else "0"
    return f"{eps:.4f}"
