"""The attack of a detector's curve."""

from hardsight.attacks import Suite, build_suite


def quick_pgd(norm: str) -> Suite:
    """Return PGD in ten steps, one draw a step, at radius 0."""
    return build_suite("pgd", norm, 0.0, steps=10)
