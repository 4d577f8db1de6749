"""What somebody who typed a name that is not known may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return "did you mean 'pgd'?" with the known name nearest to another, or "" without one.

    Examples:
        >>> suggestion("PDG", ["pgd", "square"])
        "did you mean 'pgd'?"
        >>> suggestion("fog", ["pgd", "square"])
        ''
    """
    lowered = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), lowered, n=1)
    return f"did you mean {lowered[near[0]]!r}?" if near else ""


def choices(name: str, known: Iterable[str]) -> str:
    """Return "choose from ..." with all known names, and the nearest to one that is not.

    Examples:
        >>> choices("PDG", ["pgd", "square"])
        "choose from pgd, square; did you mean 'pgd'?"
    """
    names = list(known)
    return "; ".join(filter(None, (f"choose from {', '.join(names)}", suggestion(name, names))))
