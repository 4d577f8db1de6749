"""What the stages of a fit cost, in training steps of its network."""

ATTACK_STEP, FORWARD = 0.7, 0.35
"""Cost of an attack step, and of a forward pass, beside a training step on the same batch: as
measured on the fast denoiser, see ``benchmarks/results/machines.json``."""


def attacked(steps: int, attack_steps: int, step: float = 1.0) -> float:
    """Return the cost of steps, each of which attacks its images before.

    Args:
        steps: of the training.
        attack_steps: of each attack.
        step: cost of one without its attack.
    """
    return steps * (step + attack_steps * ATTACK_STEP)
