"""The record that registers an attack."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from hardsight.attacks.attempts import Attempt
from hardsight.attacks.balls import Ball
from hardsight.attacks.effort import Effort
from hardsight.attacks.suites import Suite, Target
from hardsight.attacks.threats import ParameterSpace, Threat, is_shared
from hardsight.attacks.threats.parameter_space import BOX

Attempts = tuple[Attempt, ...]
Recipe = Callable[[Ball, Effort], Attempts]


@dataclass(frozen=True)
class Attack:
    """Makes a suite of a ball and an effort; a line of ``ATTACKS`` registers it.

    Args:
        name: of the suite, and of its rows in tables.
        build: (ball, effort) -> the attempts, of which the worst is kept for each image.
        target: "image": a detector's score, or a classifier's loss where it is one that is
            attacked; "pixel": a detector's map; "class": a classifier alone.
        fixed: also attack with the noise fixed and known to the attacker, unless told otherwise.
        summary: what it is, in a line.
        diagnostic: it does not see the exact gradient: what it leaves is no robust figure.
        effort: its own, if a paper prescribes one; None: that of the budget asked for.
        submissions: see ``Suite``, unless the effort says otherwise.
        for_noise: it is there for a model that draws noise: a benchmark leaves it out of others.
    """

    name: str
    build: Recipe
    target: Target = "image"
    fixed: bool = False
    summary: str = ""
    diagnostic: bool = False
    effort: Effort | None = None
    submissions: int = 1
    for_noise: bool = False

    def suite(
        self,
        ball: Ball | Threat,
        effort: Effort,
        budget: str = "own",
        fixed: bool | None = None,
    ) -> Suite:
        """Return the suite for a threat model.

        Args:
            ball: the threat model; of a ``Threat`` the parameters are attacked.
            effort: what may be spent.
            budget: the name of that.
            fixed: None: as the attack says.

        Raises:
            ValueError: an attack of the map by what moves the image; several submissions of a map
                or of one change for all images.
        """
        if self.target == "pixel" and isinstance(ball, Threat) and ball.moves:
            raise ValueError(
                f"suite={self.name!r} attacks the map, and norm={ball.name!r} moves what the masks "
                "mark; attack the score (pgd, eot-pgd, autoattack-rand), or choose another norm"
            )
        submissions = self.submissions if effort.submissions is None else effort.submissions
        if submissions > 1 and (self.target == "pixel" or is_shared(ball)):
            raise ValueError(
                f"submissions={submissions} are of single images and their scores or classes, not "
                f"of suite={self.name!r} with norm={ball.name!r}; leave them out"
            )
        return Suite(
            name=self.name,
            ball=ball,
            build=partial(self.attempts, effort=effort),
            target=self.target,
            budget=budget,
            # nobody knows the noise of all images in advance
            fixed=(self.fixed if fixed is None else fixed) and not is_shared(ball),
            submissions=submissions,
        )

    def attempts(self, ball: Ball | Threat, effort: Effort) -> Attempts:
        """Return the attempts in a ball, or in the parameters of a threat."""
        if not isinstance(ball, Threat):
            return self.build(ball, effort)
        return tuple(
            replace(attempt, optimiser=ParameterSpace(ball, attempt.optimiser))
            for attempt in self.build(BOX, effort)
        )
