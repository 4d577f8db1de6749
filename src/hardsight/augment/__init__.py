"""How normal training images are changed and stay normal."""

from hardsight.augment.crops import cropped
from hardsight.augment.policy import Augment, AugmentationPolicy, drawn
from hardsight.augment.symmetry import TURNS, symmetries, turned

__all__ = [
    "TURNS",
    "Augment",
    "AugmentationPolicy",
    "cropped",
    "drawn",
    "symmetries",
    "turned",
]
