"""Synthetic anomalies: defects, cut-paste, distortions, foregrounds, corruptions."""

from hardsight.synthesis.activation import activation_foreground
from hardsight.synthesis.corruptions.corruptions import CORRUPTIONS, corrupt
from hardsight.synthesis.cutpaste import CutPaste, dilated
from hardsight.synthesis.defects import DEFECTS, Defect, UnseenError, add_defect
from hardsight.synthesis.distortions import LEVELS, OPERATIONS, distort
from hardsight.synthesis.foreground import foreground
from hardsight.synthesis.foregrounds import Foreground, demand_foreground, find_foreground
from hardsight.synthesis.perlin_textures import PerlinTextures
from hardsight.synthesis.pseudo import PseudoAnomalies, pseudo_anomalies

__all__ = [
    "CORRUPTIONS",
    "DEFECTS",
    "LEVELS",
    "OPERATIONS",
    "CutPaste",
    "Defect",
    "Foreground",
    "PerlinTextures",
    "PseudoAnomalies",
    "UnseenError",
    "activation_foreground",
    "add_defect",
    "corrupt",
    "demand_foreground",
    "dilated",
    "distort",
    "find_foreground",
    "foreground",
    "pseudo_anomalies",
]
