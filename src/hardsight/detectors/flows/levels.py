"""The levels of features that a flow models."""

from collections.abc import Sequence
from typing import Any

from hardsight.backbones import Backbone
from hardsight.core.precision import Choice


def build_backbone(
    settings: dict[str, Any] | None, taps: Sequence[int], precision: Choice, seed: int
) -> Backbone:
    """Return the backbone of a detector, without weights.

    Args:
        settings: arguments of ``Backbone``; None: none.
        taps: where ``settings`` has none.
        precision: likewise.
        seed: likewise.

    Raises:
        BackboneError: an unknown network, tap or source of weights.
    """
    return Backbone(**{"taps": taps, "precision": precision, "seed": seed} | (settings or {}))


def grid_sides(backbone: Backbone, image_size: int) -> list[int]:
    """Return the patches in a line of each level."""
    return [-(-image_size // stride) for stride in backbone.strides]
