"""What the registered attacks are made of: functions (ball, effort) -> attempts."""

from dataclasses import replace

from hardsight.attacks.adaptive import A3
from hardsight.attacks.apgd import APGD
from hardsight.attacks.attack import Attempts, Recipe
from hardsight.attacks.attempts import Attempt, Via
from hardsight.attacks.balls import Ball
from hardsight.attacks.carlini import CarliniWagner
from hardsight.attacks.composite import Composite
from hardsight.attacks.deepfool import DeepFool
from hardsight.attacks.effort import Effort
from hardsight.attacks.fab import FAB
from hardsight.attacks.gaussian import GaussianNoise
from hardsight.attacks.objectives.deviation import DEVIATIONS
from hardsight.attacks.optimisers import Optimiser
from hardsight.attacks.pgd import PGD, bim, fgsm
from hardsight.attacks.sea import Progressive
from hardsight.attacks.square import Square


def on_each(
    optimiser: Optimiser, objectives: tuple[str, ...], draws: int, via: Via = "exact"
) -> Attempts:
    """Return the same attack of each objective."""
    return tuple(Attempt(optimiser, name, draws, via) for name in objectives)


def fast_gradient_sign(ball: Ball, effort: Effort) -> Attempts:
    """Return FGSM on the score."""
    return (Attempt(fgsm(ball), "score"),)


def basic_iterative(ball: Ball, effort: Effort) -> Attempts:
    """Return BIM on the score."""
    return (Attempt(bim(ball, effort.steps), "score"),)


def pgd(ball: Ball, effort: Effort) -> Attempts:
    """Return PGD on the score, one draw a step."""
    return (Attempt(effort.pgd(ball), "score"),)


def eot_pgd(ball: Ball, effort: Effort) -> Attempts:
    """Return ``pgd``, and PGD on each objective averaged over the draws."""
    return (*pgd(ball, effort), *on_each(effort.pgd(ball), effort.objectives, effort.draws))


def pgd_on_each(via: Via, averaged: bool) -> Recipe:
    """Return the recipe of PGD on each objective, seen ``via`` something; see ``Attempt``."""

    def recipe(ball: Ball, effort: Effort) -> Attempts:
        draws = effort.draws if averaged else 1
        return on_each(effort.pgd(ball), effort.objectives, draws, via)

    return recipe


def square(ball: Ball, effort: Effort) -> Attempts:
    """Return Square on the score."""
    return (Attempt(Square(ball, effort.queries), "score", effort.draws),)


def autoattack(ball: Ball, effort: Effort) -> Attempts:
    """Return APGD on each objective, FAB where a decision exists, and Square."""
    apgd = on_each(APGD(ball, effort.steps, effort.restarts), effort.objectives, 1)
    fab = Attempt(FAB(ball, effort.steps, effort.restarts), "decision", optional=True)
    return (*apgd, fab, Attempt(Square(ball, effort.queries), "score"))


def autoattack_rand(ball: Ball, effort: Effort) -> Attempts:
    """Return ``eot_pgd``, APGD on each objective and Square, all averaged over the draws.

    Without FAB, whose line search no random decision boundary bears, but with all of ``eot_pgd``,
    whose short steps average the noise that APGD's long ones follow: in 20 steps it was the
    stronger of the two.
    """
    apgd = APGD(ball, effort.steps, effort.restarts)
    averaged = on_each(apgd, effort.objectives, effort.draws)
    return (*eot_pgd(ball, effort), *averaged, *square(ball, effort))


def composite(ball: Ball, effort: Effort) -> Attempts:
    """Return PGD with momentum, APGD and PGD in a chain, on each objective."""
    steps = effort.steps
    chain = (PGD(ball, steps, momentum=0.75), APGD(ball, steps), PGD(ball, steps))
    return on_each(Composite(chain), effort.objectives, effort.draws)


def adaptive(ball: Ball, effort: Effort) -> Attempts:
    """Return A3 on the decision."""
    optimiser = A3(PGD(ball, max(1, effort.steps // 2)), max(effort.restarts, 3))
    return (Attempt(optimiser, "decision", effort.draws),)


def on_vote(ball: Ball, effort: Effort) -> Attempts:
    """Return PGD on each objective of the mean logits, and of the mean probabilities, of a vote."""
    ways: tuple[Via, ...] = ("mean-logits", "mean-softmax")
    return tuple(attempt for via in ways for attempt in pgd_on_each(via, True)(ball, effort))


def deviation(ball: Ball, effort: Effort) -> Attempts:
    """Return PGD away from the clean image's purification, alone and with the cross-entropy."""
    return on_each(effort.pgd(ball), tuple(DEVIATIONS), effort.draws)


def purification(ball: Ball, effort: Effort) -> Attempts:
    """Return ``eot_pgd``, and what a purifier offers: a shorter process, means, deviation."""
    followed = (
        *pgd_on_each("shorter", True)(ball, effort),
        *on_vote(ball, effort),
        *deviation(ball, effort),
    )
    return (*eot_pgd(ball, effort), *(replace(a, optional=True) for a in followed))


def on_map(loss: str) -> Recipe:
    """Return the recipe of PGD on a loss of the map."""

    def recipe(ball: Ball, effort: Effort) -> Attempts:
        return (Attempt(effort.pgd(ball), loss, effort.draws),)

    return recipe


def segmentation_ensemble(losses: tuple[str, ...]) -> Recipe:
    """Return the recipe of APGD in shrinking balls on each loss of the map."""

    def recipe(ball: Ball, effort: Effort) -> Attempts:
        optimiser = Progressive(APGD(ball, effort.steps, effort.restarts))
        return on_each(optimiser, losses, effort.draws)

    return recipe


def long_steps(averaged: bool) -> Recipe:
    """Return the recipe of PGD by steps of eps / 8 from the image, on the cross-entropy."""

    def recipe(ball: Ball, effort: Effort) -> Attempts:
        step = effort.step_size or ball.eps / 8 or None
        optimiser = PGD(ball, effort.steps, step, effort.restarts, random_start=False)
        return (Attempt(optimiser, "ce", effort.draws if averaged else 1),)

    return recipe


def deepfool(ball: Ball, effort: Effort) -> Attempts:
    """Return DeepFool on the decision."""
    return (Attempt(DeepFool(ball, effort.steps), "decision"),)


def carlini_wagner(ball: Ball, effort: Effort) -> Attempts:
    """Return Carlini & Wagner's penalty attack on the decision, in L2."""
    return (Attempt(CarliniWagner(ball, effort.steps), "decision"),)


def gaussian(ball: Ball, effort: Effort) -> Attempts:
    """Return noise and no attack."""
    return (Attempt(GaussianNoise(ball), "margin"),)
