"""What the stages of a fit cost, in training steps of its network."""

ATTACK_STEP, FORWARD = 0.7, 0.35
"""Cost of an attack step, and of a forward pass, beside a training step on the same batch: as
measured on the fast denoiser, see ``benchmarks/results/machines.json``."""

HALF_SIZE = 0.35
"""Cost of a step on images of half the size, beside one on the images."""


def in_sizes(stage: str, cost: float, progressive: float) -> dict[str, float]:
    """Return the costs of a stage's parts, see ``TrainingContext.sizes``.

    Args:
        stage: its name.
        cost: of all its steps on images of the full size.
        progressive: share of them on images of half the size.
    """
    small = {f"{stage}-half-size": progressive * cost * HALF_SIZE} if progressive else {}
    return small | {stage: (1 - progressive) * cost}


def attacked(steps: int, attack_steps: int, step: float = 1.0) -> float:
    """Return the cost of steps, each of which attacks its images before.

    Args:
        steps: of the training.
        attack_steps: of each attack.
        step: cost of one without its attack.
    """
    return steps * (step + attack_steps * ATTACK_STEP)
