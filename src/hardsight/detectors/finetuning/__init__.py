"""Adversarial fine-tuning of a backbone without labels: its features stay put under attack."""

from hardsight.detectors.finetuning.finetune import FineTuning, finetune_backbone
from hardsight.detectors.finetuning.task import FeatureShift, FineTuningTask, feature_shift

__all__ = [
    "FeatureShift",
    "FineTuning",
    "FineTuningTask",
    "feature_shift",
    "finetune_backbone",
]
