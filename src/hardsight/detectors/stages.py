"""What the stages of a fit cost, in training steps of its network."""

from typing import NamedTuple

ATTACK_STEP, FORWARD = 0.7, 0.35
"""Cost of an attack step, and of a forward pass, beside a training step on the same batch: as
measured on the fast denoiser, see ``benchmarks/results/machines.json``."""

HALF_SIZE = 0.35
"""Cost of a step on images of half the size, beside one on the images."""


class Part(NamedTuple):
    """A part of a training, on images of one size."""

    stage: str
    """Its name."""
    steps: int
    """At least 1."""
    half: bool
    """Whether the images have half the detector's size."""

    def cost(self, step: float = 1.0) -> float:
        """Return what it costs, where a step on images of the full size costs ``step``."""
        return self.steps * step * (HALF_SIZE if self.half else 1.0)


def in_sizes(stage: str, steps: int, progressive: float) -> tuple[Part, ...]:
    """Return the parts of a training that have steps, those of half the size first.

    Args:
        stage: name of the training, and of its part on images of the full size.
        steps: of the whole.
        progressive: share of them, the first ones, on images of half the size.
    """
    small = round(progressive * steps)
    parts = Part(f"{stage}-half-size", small, True), Part(stage, steps - small, False)
    return tuple(part for part in parts if part.steps)


def attacked(steps: int, attack_steps: int, step: float = 1.0) -> float:
    """Return the cost of steps, each of which attacks its images before.

    Args:
        steps: of the training.
        attack_steps: of each attack.
        step: cost of one without its attack.
    """
    return steps * (step + attack_steps * ATTACK_STEP)
