"""The parts of an evaluation, before it begins: what it looks at, and how often."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hardsight.attacks import THREATS, Suite
from hardsight.evaluation.corrupted import corruptions
from hardsight.evaluation.costs import attack_cost
from hardsight.evaluation.plan import Protocol
from hardsight.evaluation.subjects import Traits

CURVE_DRAWS = 4
"""Fresh draws of a point of the curve, at most."""


@dataclass(frozen=True)
class Part:
    """All images looked at once, or several times alike.

    Args:
        name: what the budget calls it.
        suite: that attacks them first, as it sees the subject; None: they are left alone.
        fresh_draws: see ``Protocol``.
        times: how often: at several radii, under several corruptions.
    """

    name: str
    suite: Suite | None
    fresh_draws: int
    times: int = 1

    def cost(self, subject: Traits) -> float:
        """Return what it costs an image, see ``attack_cost``."""
        return self.times * attack_cost(subject, self.suite, self.fresh_draws)


def fewer_draws(protocol: Protocol) -> Protocol:
    """Return the protocol of the points of curves."""
    return replace(protocol, fresh_draws=min(CURVE_DRAWS, protocol.fresh_draws))


def begins_curves(subject: Traits, protocol: Protocol) -> bool:
    """Tell whether clean images are looked at again, on the draws of the points of curves."""
    points = bool(protocol.curve) or bool(protocol.corruptions)
    return points and subject.random and fewer_draws(protocol) != protocol


def parts(
    subject: Traits, suites: Sequence[Suite], norm: str, protocol: Protocol
) -> Iterator[Part]:
    """Yield all parts of an evaluation, in order.

    Args:
        subject: what is measured.
        suites: by which it is attacked.
        norm: of the curve.
        protocol: how it is measured.
    """
    draws, few = protocol.fresh_draws, fewer_draws(protocol).fresh_draws
    yield Part("clean images", None, draws)
    if begins_curves(subject, protocol):
        yield Part("clean images, for the curve", None, few)
    for suite in suites:
        yield Part(suite.name, subject.sees(suite), draws)
    if radii := len(protocol.curve):
        one, several = ("severity", "severities") if norm in THREATS else ("radius", "radii")
        name = f"curve of {radii} {one if radii == 1 else several}"
        yield Part(name, subject.sees(subject.quick(norm)), few, radii)
    if count := len(corruptions(protocol.corruptions)):
        yield Part(f"{count} corruptions", None, few, count)
