"""An attack in one file: MI-FGSM (Dong et al., 2018), PGD with momentum and no random start."""

from hardsight.attacks import PGD, Attack, Attempt, Ball
from hardsight.attacks.catalogue import Effort


def mi_fgsm(ball: Ball, effort: Effort) -> tuple[Attempt, ...]:
    """Return the attempts of a suite: here one, on the score itself."""
    return (Attempt(PGD(ball, effort.steps, momentum=1.0, random_start=False), "score"),)


MI_FGSM = Attack("mi-fgsm", mi_fgsm, summary="PGD with momentum, one start")
