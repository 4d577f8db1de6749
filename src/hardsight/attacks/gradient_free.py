"""What goes on by scores alone where an attack has lost its gradient."""

import torch
from torch import Tensor

from hardsight.attacks.balls import L2, Linf
from hardsight.attacks.contract import Objective
from hardsight.attacks.effort import BUDGETS
from hardsight.attacks.optimisers import Optimiser
from hardsight.attacks.results import better
from hardsight.attacks.square import Square
from hardsight.attacks.threats import ParameterSpace, Threat
from hardsight.attacks.threats.parameter_space import BOX
from hardsight.core.types import AttackResult

FORWARDS = 3
"""Forward passes in the time of one forward and backward."""


def searched_on(
    found: AttackResult,
    optimiser: Optimiser,
    objective: Objective,
    images: Tensor,
    generator: torch.Generator | None = None,
) -> AttackResult:
    """Attack the images whose gradient was not finite by Square, from where they are.

    It may take as long as the attack did, and the queries of the fast budget at least. In a ball
    that Square does not know the result is returned as it is; in the parameters of a threat the
    search begins anew.

    Args:
        found: what the attack found; where all gradients were finite nothing is done.
        optimiser: the attack.
        objective: of the images.
        images: (B, C, H, W) in [0, 1], the centres of the balls.
        generator: where all randomness comes from.

    Returns:
        The better of both for those images, and what both spent.
    """
    if not bool(found.nonfinite.any()):
        return found
    queries, space = max(BUDGETS["fast"].queries, FORWARDS * found.queries), optimiser.ball
    if isinstance(space, Threat):
        search = ParameterSpace(space, Square(BOX, queries))
        return better(found, search(objective, images, generator), found.nonfinite)
    if not isinstance(space, Linf | L2):
        return found
    rest = Square(space, queries)(objective, images, generator, start=found.images)
    return better(found, rest, found.nonfinite)
