"""Pretrained features: bundled, of timm by name, by path, random."""

from hardsight.backbones.backbone import Backbone, build_backbone
from hardsight.backbones.bundled import BUNDLED, BackboneError
from hardsight.backbones.classifier import PretrainedClassifier
from hardsight.backbones.patches import demand_pool, local_mean, patch_features

__all__ = [
    "BUNDLED",
    "Backbone",
    "BackboneError",
    "PretrainedClassifier",
    "build_backbone",
    "demand_pool",
    "local_mean",
    "patch_features",
]
