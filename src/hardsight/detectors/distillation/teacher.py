"""The frozen backbone that a student learns from."""

from collections.abc import Mapping
from typing import Any

from hardsight.backbones import Backbone, BackboneError
from hardsight.core.precision import Choice

DEFAULT: dict[str, Any] = {"name": "tf_efficientnet_lite0", "weights": "bundled", "taps": (1, 2, 3)}


def build_teacher(
    settings: Mapping[str, Any] | None, precision: Choice, default: Mapping[str, Any] = DEFAULT
) -> Backbone:
    """Return a backbone without its pretrained weights.

    Args:
        settings: arguments of ``Backbone``; what is missing is taken from ``default``.
        precision: of the backbone.
        default: see ``settings``; its taps belong to its own network alone.

    Raises:
        BackboneError: an unknown argument, or a backbone that cannot be built.
    """
    given = dict(settings or {})
    try:
        return Backbone(**{**default, "precision": precision, **given})
    except TypeError as error:
        raise BackboneError(f"backbone={given}: {error}") from error


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
    return [image_size // stride for stride in backbone.strides]
