"""Suites: attacks run together, of which the worst case is kept for every image."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor

from hardsight.attacks.attempts import Attempt
from hardsight.attacks.balls import Ball
from hardsight.attacks.entry import at_rest, attackable
from hardsight.attacks.gradient_free import searched_on
from hardsight.attacks.gradients import evaluate
from hardsight.attacks.objectives.draws import Model, repeats_itself
from hardsight.attacks.results import better
from hardsight.attacks.threats import Threat
from hardsight.attacks.victims import Victim
from hardsight.core.noise import Noise
from hardsight.core.progress import quiet
from hardsight.core.types import AttackResult

JUDGING = 10
"""Fresh draws, at least, by which the worst attempt is found: as many as a table scores. With few,
the luckiest of many attempts is taken for the strongest."""

Target = Literal["image", "pixel", "class"]
"""What is attacked, and so what the numbers speak of: an image's score, its map, or its class."""


@dataclass(frozen=True)
class Suite:
    """Named attacks run together, worst case per image.

    Args:
        name: the row's name in a table.
        ball: the threat model.
        build: ball -> attempts; kept as a function, so that the radius can change.
        target: see ``Target``.
        budget: "fast" or "full", see ``BUDGETS``, or "own".
        fixed: also make all attempts with the noise fixed and known to the attacker.
        submissions: how often an evaluation makes all of it, each time from other random numbers;
            each result is submitted once, and an image counts by the worst of them.

    Raises:
        ValueError: fewer submissions than one.
    """

    name: str
    ball: Ball | Threat
    build: Callable[[Any], tuple[Attempt, ...]] = field(repr=False)
    target: Target = "image"
    budget: str = "fast"
    fixed: bool = False
    submissions: int = 1

    def __post_init__(self) -> None:
        if self.submissions < 1:
            raise ValueError(f"submissions must be at least 1, got {self.submissions}")

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Return the attacks, first to last, each once."""
        return tuple(dict.fromkeys(self.build(self.ball)))

    @property
    def judging(self) -> int:
        """Return the draws by which the worst attempt is found."""
        return max(JUDGING, *(a.draws for a in self.attempts))

    @property
    def on_map(self) -> bool:
        """Return whether the map is attacked."""
        return self.target == "pixel"

    @property
    def description(self) -> str:
        """Return the budget in words; attempts that differ in objective alone stand together."""
        groups: dict[tuple[str, str], list[str]] = {}
        for a in self.attempts:
            groups.setdefault(a.words, []).append(a.objective)
        made = "; ".join(f"{how} on {', '.join(on)}{via}" for (how, via), on in groups.items())
        return made + (f"; {self.submissions} submissions" if self.submissions > 1 else "")

    def at(self, eps: float) -> "Suite":
        """Return the same attacks with another radius."""
        return replace(self, ball=replace(self.ball, eps=eps))

    def seen_by(self, model: Model, images: Tensor) -> "Suite":
        """Return the same attacks; of a model without noise, as ``once`` has them.

        Args:
            model: see ``Model``, and ``repeats_itself`` for how it is told.
            images: (B, C, H, W) in [0, 1]; the first is looked at.
        """
        averaged = any(a.draws > 1 and not a.other_noise for a in self.attempts)
        return self.once if averaged and repeats_itself(model, images) else self

    @property
    def once(self) -> "Suite":
        """The same attacks with one draw: for a known noise, or none.

        An attack that follows other noise than the victim's keeps its draws.
        """
        whole = self.build

        def once(ball: Ball | Threat) -> tuple[Attempt, ...]:
            return tuple(a if a.other_noise else replace(a, draws=1) for a in whole(ball))

        return replace(self, build=once)

    def passes(self, own: int = 1) -> int:
        """Return the network evaluations an image costs at most, counted in single draws.

        Args:
            own: draws that the detector itself averages in one score.
        """
        each = (math.ceil(a.draws / own) * own * a.optimiser.evaluations for a in self.attempts)
        return self.submissions * sum(each)

    def demand_own(self, what: str) -> None:
        """Refuse a suite of attacks on another model, where there is one model alone.

        Args:
            what: is of one model, as "a threshold".

        Raises:
            ValueError: it crafts such attacks, and cannot leave them out.
        """
        if any(attempt.via == "source" and not attempt.optional for attempt in self.attempts):
            raise ValueError(
                f"suite={self.name!r} crafts its attack on another model, and {what} is of one; "
                "take eot-pgd"
            )

    def demand(self, model: object, source: object | None) -> None:
        """Refuse a model that lacks what an attack needs, before any work is begun.

        Args:
            model: that is attacked.
            source: from which attacks are transferred; None: there is none.

        Raises:
            ValueError: as the call does, and see ``demand_gradient``.
        """
        self.demand_gradient(model)
        for attempt in self.attempts:
            if not attempt.optional:
                attempt.demand(model, source, self.name)

    def demand_objectives(self, victim: Victim) -> None:
        """Refuse a victim that lacks what an objective needs, before any work is begun.

        Raises:
            ValueError: as the call does.
        """
        for attempt in self.attempts:
            source = victim.source if attempt.via == "source" else None
            seen = victim if source is None else victim.of(source)
            if not attempt.optional and (lacking := seen.lacks(attempt.objective)):
                raise ValueError(f"suite={self.name!r}: {lacking}")

    def demand_gradient(self, model: object) -> None:
        """Refuse a model without a gradient (``differentiable``), where one is followed.

        Raises:
            ValueError: that; the message says what to do instead.
        """
        if not getattr(model, "differentiable", True) and any(a.by_gradient for a in self.attempts):
            raise ValueError(
                f"suite={self.name!r} follows gradients, and this {type(model).__name__} has no "
                "gradient; attack it by queries (suite square), or craft the attack on the run "
                "it was made of (suite grey-box, with that run as source)"
            )

    def __call__(
        self,
        victim: Victim,
        images: Tensor,
        generator: torch.Generator | None = None,
        noise: Tensor | None = None,
        told: Callable[[Attempt], None] = quiet,
    ) -> AttackResult:
        """Return the worst image of all attempts and of doing nothing, for each image.

        Which is worst is judged by the victim's judge on the same fresh draws for every attempt;
        nobody scores on them again. An attempt's randomness depends on itself and the generator
        alone: a suite with more attempts makes what one with fewer makes, and then some. Both the
        victim and the source are in eval mode meanwhile. Images whose gradient was not finite on
        the way are attacked on by random search, see ``searched_on``, and named by the result.

        Args:
            victim: the model and the truth about ``images``.
            images: (B, C, H, W) in [0, 1].
            generator: where all randomness comes from.
            noise: the victim's, fixed and known: all attempts are made and judged on it; None: it
                is drawn afresh.
            told: of each attempt that was made, or left out.

        Raises:
            TypeError, ValueError: as of an attack, see ``Entry``; a transferred attack without a
                source, or a BPDA of a model that names no part to go round.
        """
        images = attackable(images, victim.model)
        with at_rest(victim.model, victim.source):
            return self._worst(victim, images, generator, noise, told)

    def _worst(
        self,
        victim: Victim,
        images: Tensor,
        generator: torch.Generator | None,
        noise: Tensor | None,
        told: Callable[[Attempt], None],
    ) -> AttackResult:
        """Make every attempt on images and a model that are in order."""
        asked: dict[int, tuple[Model, bool]] = {}  # holds the models: no id is given twice

        def averaged(model: Model, draws: int) -> int:
            """Return of how many draws a mean is taken: equal ones are not looked at again."""
            if draws <= 1:
                return draws
            if id(model) not in asked:
                asked[id(model)] = model, repeats_itself(model, images)
            return 1 if asked[id(model)][1] else draws

        judge = victim.judge(averaged(victim.model, self.judging), noise)
        device = generator.device if generator is not None else "cpu"
        seed = int(torch.randint(2**62, (), generator=generator, device=device))
        purposes = Noise(seed, images.device)
        whole = AttackResult.gradient_free(
            images, evaluate(judge, images, purposes.generator("judge")), 0
        )
        for attempt in self.attempts:
            if attempt.optional and not attempt.possible(victim):
                told(attempt)
                continue
            own = purposes.generator(attempt.key)
            known = None if attempt.other_noise else noise
            with attempt.seen(victim, self.name) as seen:
                draws = averaged(seen.model, attempt.draws)
                objective = seen.objective(attempt.objective, images, draws, known, own)
                found = attempt.optimiser(objective, images, own)
                found = searched_on(found, attempt.optimiser, objective, images, own)
            value = evaluate(judge, found.images, purposes.generator("judge"))
            whole = better(whole, found._replace(objective=value))
            told(attempt)
        return whole
