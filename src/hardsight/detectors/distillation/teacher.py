"""The frozen backbone that a student learns from."""

from hardsight.backbones import Backbone

TAPS = (1, 2, 3)
"""Taps of the bundled network: strides 4, 8 and 16."""


def level_sides(backbone: Backbone, image_size: int, divisor: int = 1) -> list[int]:
    """Return the sides of a backbone's features, in patches.

    Args:
        backbone: of any strides.
        image_size: side of its images in pixels.
        divisor: what each side must be a multiple of.

    Raises:
        ValueError: the image is no multiple of the largest stride times ``divisor``.
    """
    unit = max(backbone.strides) * divisor
    if image_size % unit:
        raise ValueError(
            f"image_size={image_size} is not a multiple of {unit}, which {backbone.name} with "
            f"taps={list(backbone.taps)} asks for; take {max(1, round(image_size / unit)) * unit}"
        )
    return backbone.sides(image_size)
