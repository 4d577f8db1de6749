"""What every attack is, whatever its method."""

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from hardsight.attacks.balls import Ball
from hardsight.attacks.contract import Objective
from hardsight.core.capabilities import title_of
from hardsight.core.types import AttackResult


class Optimiser(Protocol):
    """An optimiser of objectives inside a ball; it holds hyper-parameters only."""

    @property
    def ball(self) -> Ball:
        """Return the threat model."""
        ...

    @property
    def evaluations(self) -> int:
        """Count the evaluations of the objective in one call, at most."""
        ...

    def __call__(
        self,
        objective: Objective,
        images: Tensor,
        generator: torch.Generator | None = None,
        start: Tensor | None = None,
    ) -> AttackResult:
        """Attack ``images`` (B, C, H, W), the centres of the balls.

        ``start`` (B, C, H, W) is where the first restart begins, projected into the ball; None
        leaves it to the optimiser.
        """
        ...


@runtime_checkable
class Chained(Protocol):
    """Consists of other attacks."""

    @property
    def attacks(self) -> tuple[Optimiser, ...]:
        """Return them, first to last."""
        ...


@runtime_checkable
class Wrapping(Protocol):
    """Drives another attack."""

    @property
    def optimiser(self) -> Optimiser:
        """Return the other one."""
        ...


class Stepped(Optimiser, Protocol):
    """An optimiser whose budget is a number of steps."""

    @property
    def steps(self) -> int:
        """Return the steps of a restart."""
        ...


def describe(optimiser: Optimiser, named: Callable[[object], str] = title_of) -> str:
    """Return the attack and its budget in words, e.g. "APGD 20 steps x 2 restarts".

    Args:
        optimiser: the attack.
        named: attack -> name.
    """
    name = named(optimiser)
    if isinstance(optimiser, Chained):
        return f"{name} of " + " + ".join(describe(a, named) for a in optimiser.attacks)
    if isinstance(optimiser, Wrapping):
        name = f"{name} {describe(optimiser.optimiser, named)}"
    counts = [
        f"{count} {unit[:-1] if count == 1 else unit}"
        for unit in ("steps", "queries", "restarts")
        if (count := vars(optimiser).get(unit)) and not (unit == "restarts" and count == 1)
    ]
    return " x ".join([" ".join([name, *counts[:1]]), *counts[1:]])


def altered(optimiser: Optimiser, **changes: Any) -> Optimiser:
    """Return the same attack with other hyper-parameters, e.g. ``steps`` or ``ball``.

    Raises:
        ValueError: the attack has no such hyper-parameter of its own.
    """
    name = type(optimiser).__name__
    if not dataclasses.is_dataclass(optimiser) or isinstance(optimiser, type):
        raise ValueError(f"optimiser must be a dataclass such as PGD or APGD, got {name}")
    missing = changes.keys() - {f.name for f in dataclasses.fields(optimiser)}
    if missing:
        raise ValueError(
            f"optimiser {name} has no {', '.join(sorted(missing))} to change; "
            "use one that has, such as PGD or APGD"
        )
    return dataclasses.replace(optimiser, **changes)
