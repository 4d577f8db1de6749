"""An audit before it is made: how it attacks, and what that costs."""

import math
from dataclasses import replace

from hardsight.attacks import APGD, Attempt, Ball, Suite
from hardsight.audit.budgets import Budget
from hardsight.evaluation.costs import attack_cost
from hardsight.evaluation.subjects import Traits

FRESH_DRAWS = 10
"""Noise draws behind every score, counted in single draws; no attack sees them."""


class PlannedAudit:
    """How an audit attacks a subject, as far as its traits tell.

    Args:
        subject: or what is known of it.
        ball: the threat model.
        budget: how hard.
    """

    gradient_error = ""
    """Why there is no gradient; empty: there is one."""

    def __init__(self, subject: Traits, ball: Ball, budget: Budget) -> None:
        self.subject, self.ball, self.budget = subject, ball, budget

    @property
    def objectives(self) -> tuple[str, ...]:
        """Names of the objectives that are tried; the strongest goes on alone."""
        return self.budget.of(self.subject.kind)

    @property
    def surrogates(self) -> tuple[str, ...]:
        """Names of all objectives whose gradients are looked at."""
        return self.subject.surrogates

    @property
    def looks(self) -> int:
        """Fresh outputs behind every score, which have ``FRESH_DRAWS`` draws together, or more."""
        return math.ceil(FRESH_DRAWS / self.subject.own_draws)

    def apgd(
        self,
        objective: str,
        ball: Ball | None = None,
        steps: int | None = None,
        restarts: int = 1,
        draws: int = 1,
        random_start: bool = True,
    ) -> Attempt:
        """Return the audit's attack; by default at its base budget."""
        n = steps or self.budget.base
        optimiser = APGD(ball or self.ball, n, restarts, random_start=random_start)
        return Attempt(optimiser, objective, draws)

    def draws_of(self, attempt: Attempt) -> int:
        """Count the single draws really averaged: those of one score come whole."""
        own = self.subject.own_draws
        return math.ceil(attempt.draws / own) * own if self.subject.random else 1

    def cost(self, attempt: Attempt) -> float:
        """Return what an attack of an image costs, in evaluations with gradient."""
        drawn = replace(attempt, draws=self.draws_of(attempt))
        return attack_cost(self.subject, alone(drawn), self.looks)


def alone(attempt: Attempt) -> Suite:
    """Return a suite of one attempt."""
    return Suite("audit", attempt.optimiser.ball, lambda ball: (attempt,))
