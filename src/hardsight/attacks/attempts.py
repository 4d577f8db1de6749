"""Attempts: single attacks of a suite, and how they see what they attack."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from torch import nn

from hardsight.attacks.bpda import bypassed
from hardsight.attacks.entry import Entry
from hardsight.attacks.optimisers import Optimiser, describe
from hardsight.attacks.victims import Victim
from hardsight.core.capabilities import bypass_of, surrogates_of

Via = Literal["exact", "bpda", "source", "shorter", "mean-logits", "mean-softmax"]
"""How the attack sees the victim: through its exact gradient (or its scores, for a random search),
round a part of it (BPDA), not at all but through another model (a transferred attack), or through
a surrogate that the victim offers: a process of fewer steps, a vote as a mean."""

_WORDS: dict[Via, str] = {
    "exact": "",
    "bpda": " by BPDA",
    "source": " on another model",
    "shorter": " through a shorter process",
    "mean-logits": " through the mean of the logits",
    "mean-softmax": " through the mean of the probabilities",
}

_ALWAYS: tuple[Via, ...] = ("exact", "bpda", "source")
"""Those that are no surrogate of the victim."""


@dataclass(frozen=True)
class Attempt:
    """One attack of a suite.

    Args:
        optimiser: the attack, with its ball.
        objective: a name that the victim has.
        draws: noise draws averaged in each value and gradient, counted in single draws.
        via: see ``Via``.
        optional: left out where the victim lacks what the objective needs.
    """

    optimiser: Optimiser
    objective: str
    draws: int = 1
    via: Via = "exact"
    optional: bool = False

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise ValueError(f"draws must be at least 1, got {self.draws}")

    @property
    def words(self) -> tuple[str, str]:
        """Return the budget, and what it goes through, in words."""
        return f"{describe(self.optimiser)} x {self._drawn}", _WORDS[self.via]

    @property
    def key(self) -> str:
        """Return what decides its randomness, beside a seed: its classes and its budget."""
        how = describe(self.optimiser, lambda attack: type(attack).__name__)
        return f"{how} x {self._drawn} on {self.objective}{_WORDS[self.via]}"

    @property
    def _drawn(self) -> str:
        return f"{self.draws} draw{'s' * (self.draws > 1)}"

    @property
    def by_gradient(self) -> bool:
        """Whether the gradient of the victim is followed."""
        return self.by_some_gradient and self.via not in ("source", "bpda")

    @property
    def by_some_gradient(self) -> bool:
        """Whether a gradient is followed, of the victim or in its place."""
        return isinstance(self.optimiser, Entry) and self.optimiser.by_gradient

    @property
    def other_noise(self) -> bool:
        """Whether what is seen draws other noise than the victim, which tells it nothing."""
        return self.via in ("source", "shorter")

    def possible(self, victim: Victim) -> bool:
        """Return whether the victim has what the attack needs."""
        offered = self.via in _ALWAYS or self.via in surrogates_of(victim.model)
        return offered and victim.lacks(self.objective) is None

    def demand(self, model: object, source: object | None, suite: str) -> None:
        """Refuse a model that cannot be seen as ``via`` says.

        Args:
            model: that is attacked.
            source: from which attacks are transferred; None: there is none.
            suite: named by the message.

        Raises:
            ValueError: a transferred attack without a source; a model that names no part to go
                round, or does not offer the surrogate.
        """
        if self.via == "source" and source is None:
            raise ValueError(
                f"suite={suite!r} crafts its attack on another model; give one as source (--source)"
            )
        if self.via == "bpda" and bypass_of(model) is None:
            raise ValueError(
                f"suite={suite!r} goes round a part of the model, and "
                f"{type(model).__name__} names none (its attribute bypass)"
            )
        offered = surrogates_of(model)
        if self.via not in (*_ALWAYS, *offered):
            raise ValueError(
                f"suite={suite!r} attacks{_WORDS[self.via]}, which {type(model).__name__} does "
                f"not offer; it offers: {', '.join(offered) or 'none'}. A shorter process is of a "
                "purifier of several steps, a mean of a classifier that votes (combine: vote)"
            )

    @contextmanager
    def seen(self, victim: Victim, suite: str) -> Iterator[Victim]:
        """Show the victim as the attacker sees it.

        Raises:
            ValueError: as ``demand`` does; a function that is to be bypassed, which has no parts.
        """
        self.demand(victim.model, victim.source, suite)
        if self.via == "exact":
            yield victim
        elif self.via == "source":
            assert victim.source is not None
            yield victim.of(victim.source)
        elif self.via != "bpda":
            yield victim.of(surrogates_of(victim.model)[self.via])
        else:
            part = bypass_of(victim.model)
            assert part is not None
            name, surrogate = part
            with bypassed(_module(victim.model), name, surrogate):
                yield victim


def _module(model: object) -> nn.Module:
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must be an nn.Module to be bypassed, got {type(model).__name__}")
    return model
