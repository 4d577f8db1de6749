"""What attacks cost, before they begin and while they go on."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from hardsight.attacks import Attempt, Suite
from hardsight.core.progress import Progress
from hardsight.evaluation.subjects import Traits

Told = Callable[[float, int, bool], None]
"""Takes the images, or parts of one, that were dealt with since it was last told, how many are
finished, and whether that was before this run."""
FORWARD = 1 / 3
"""Cost of a forward pass beside that of a forward and a backward pass."""


def attack_cost(subject: Traits, suite: Suite | None, fresh_draws: int) -> float:
    """Return what a suite costs an image, in evaluations with gradient: search, judging, scoring.

    Where there is a threshold, the scores that decisions are made on are looked at besides.

    Args:
        subject: whose noise and draws decide.
        suite: None: the clean images are looked at alone.
        fresh_draws: outputs looked at afterwards, see ``Protocol``; several submissions have one
            each.
    """
    own = subject.own_draws if subject.random else 1
    looks = fresh_draws if subject.random else 1
    decided = 1 if subject.threshold is not None else 0
    if suite is None:
        return FORWARD * (looks + decided)
    looks = suite.submissions if suite.submissions > 1 else looks
    looks += suite.submissions * decided
    found = suite.submissions * _search(subject, suite, own) + FORWARD * looks
    if suite.fixed and subject.random and not suite.on_map:
        found += _search(subject, suite.once, own, known=True)
    return found


def attempt_cost(attempt: Attempt, own: int) -> float:
    """Return what an attempt costs an image, in evaluations with gradient.

    Args:
        attempt: as it is made.
        own: single draws that the model itself averages.
    """
    passes = math.ceil(attempt.draws / own) * attempt.optimiser.evaluations
    return passes * (1.0 if attempt.by_some_gradient else FORWARD)


def _search(subject: Traits, suite: Suite, own: int, known: bool = False) -> float:
    attempts = suite.attempts
    search = sum(attempt_cost(a, own) for a in attempts)
    drawn = math.ceil(suite.judging / own)
    judging = drawn if subject.random and not known else 1
    return search + FORWARD * (1 + len(attempts)) * judging


@dataclass
class Meter:
    """Tells of unequal parts of long work as one stage, so that its pace says how long all takes.

    Args:
        progress: is told.
        stage: what the work is.
        total: its cost, in any unit.
    """

    progress: Progress
    stage: str
    total: float
    spent: float = 0.0

    def tell(self, cost: float, info: str = "") -> None:
        """Add to what is spent, and tell of it."""
        self.spent += cost
        total = max(1, round(self.total))
        self.progress(self.stage, min(round(self.spent), total), total, info)

    def of_images(self, cost: float, name: str, total: int) -> "Told":
        """Return what is told of images of which each costs so much.

        Args:
            cost: of an image.
            name: of the part of the work.
            total: of its images.
        """

        def told(images: float, done: int, kept: bool) -> None:
            if kept:  # it took no time now, which must not tell the pace
                self.spent += cost * images
            else:
                self.tell(cost * images, f"{name}, {done} of {total} images")

        return told

    def end(self) -> None:
        """Tell that all is done, whatever it came to."""
        self.tell(self.total, "done")
