"""Purification for classifiers: what is put in front of them, and how the two are one model."""

from hardsight.purifiers.adapter import Adapter
from hardsight.purifiers.adp import ADP
from hardsight.purifiers.base import Clamp, Purifier
from hardsight.purifiers.ddim import DDIMPurifier
from hardsight.purifiers.diffpure import DiffPure
from hardsight.purifiers.noising import Noising
from hardsight.purifiers.one_shot import OneShot
from hardsight.purifiers.purified import Purified, behind
from hardsight.purifiers.rap import (
    RAP,
    adversarial_process,
    load_adapter,
    reverse_process,
    save_adapter,
)
from hardsight.purifiers.rap_task import RAPSettings, RAPTask

__all__ = [
    "ADP",
    "RAP",
    "Adapter",
    "Clamp",
    "DDIMPurifier",
    "DiffPure",
    "Noising",
    "OneShot",
    "Purified",
    "Purifier",
    "RAPSettings",
    "RAPTask",
    "adversarial_process",
    "behind",
    "load_adapter",
    "reverse_process",
    "save_adapter",
]
