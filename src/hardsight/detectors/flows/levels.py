"""The levels of features that a flow models."""

from hardsight.backbones import Backbone


def grid_sides(backbone: Backbone, image_size: int) -> list[int]:
    """Return the patches in a line of each level."""
    return [-(-image_size // stride) for stride in backbone.strides]
