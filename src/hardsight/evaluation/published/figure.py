"""A figure of a paper, and the figures that a row of a result stands beside."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Fact = str | float
STANDARD = ("method", "data", "category", "metric", "target", "attack", "norm", "eps", "device")
"""Facts by which a figure is looked up; any other makes it one of a variant of its method."""


@dataclass(frozen=True)
class Published:
    """A figure of a paper."""

    printed: float
    """As the paper prints it, in ``unit``."""
    unit: str
    """"%", "s", "step" or "1"."""
    paper: str
    table: str
    facts: Mapping[str, Fact]
    """What it is of: those of ``STANDARD`` that apply, and what makes it a variant, e.g. k."""

    @property
    def value(self) -> float:
        """The figure as hardsight measures it: a share in [0, 1] where the paper has per cent."""
        return self.printed / 100 if self.unit == "%" else self.printed

    @property
    def place(self) -> str:
        """Where it stands, e.g. "FreeRAD, Table 2"."""
        return place(self.paper, self.table)

    @property
    def variant(self) -> dict[str, Fact]:
        """The facts by which it is not the figure of its method as proposed; empty for that."""
        return {k: v for k, v in self.facts.items() if k not in STANDARD}

    def matches(self, facts: Mapping[str, Fact | None]) -> bool:
        """Tell whether it has each of some facts; None: it must not have that one."""
        return all(_same(self.facts.get(key), value) for key, value in facts.items())


def first(
    figures: Iterable[Published], facts: Mapping[str, Fact | None], **variant: Fact
) -> Published | None:
    """Return the first figure that has the facts and is of the variant; None: no paper has it.

    Args:
        figures: to choose from, in order.
        facts: see ``Published.matches``.
        variant: facts of the variant, all of them; none: of the method as proposed.
    """
    for figure in figures:
        if figure.variant.keys() == variant.keys() and figure.matches({**facts, **variant}):
            return figure
    return None


def place(paper: str, table: str) -> str:
    """Return where a table stands, e.g. "FreeRAD, Table 2"."""
    return f"{paper}, {table if table[0].isalpha() else f'Table {table}'}"


def _same(a: Fact | None, b: Fact | None) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) < 1e-9
    return a == b
