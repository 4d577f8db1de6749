"""How normal training images are changed and stay normal."""

from hardsight.augment.crops import cropped
from hardsight.augment.policy import Augment, AugmentationPolicy, drawn
from hardsight.augment.symmetry import TURNS, symmetries, turned
from hardsight.augment.training_images import TrainingImages

__all__ = [
    "TURNS",
    "Augment",
    "AugmentationPolicy",
    "TrainingImages",
    "cropped",
    "drawn",
    "symmetries",
    "turned",
]
