"""Visual anomaly detection that holds up under attack, and the honest measurement of it.

>>> from hardsight import AdvRAD, evaluate, load, write_html
>>> data = load("photos/bottle")  # doctest: +SKIP
>>> detector = AdvRAD().fit(data)  # doctest: +SKIP
>>> detector.predict(data.test.images()).pred_score  # doctest: +SKIP
>>> write_html(evaluate(detector, data, eps="2/255"), "report.html")  # doctest: +SKIP
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hardsight.config import load_preset
    from hardsight.core.types import AttackResult, Detection
    from hardsight.data import load, textures
    from hardsight.detectors import (
        APAE,
        CFA,
        DRAEM,
        OCRGAN,
        PLS,
        RAE,
        SPADE,
        STFPM,
        AdvRAD,
        Bastion,
        CFlow,
        Detector,
        Dinomaly,
        EfficientAD,
        FastFlow,
        PaDiM,
        PatchCore,
        PatchDiscriminator,
        PatchGuard,
        PurifiedDetector,
        ReContrast,
        ReverseDistillation,
        Selection,
        as_detector,
    )
    from hardsight.detectors.finetuning import finetune_backbone
    from hardsight.evaluation import attack, evaluate, evaluate_classifier
    from hardsight.purifiers import Purified
    from hardsight.reports import write_html, write_json, write_markdown
    from hardsight.runs import open_run
    from hardsight.training import Settings

__version__ = version("hardsight")

__all__ = [
    "APAE",
    "CFA",
    "DRAEM",
    "OCRGAN",
    "PLS",
    "RAE",
    "SPADE",
    "STFPM",
    "AdvRAD",
    "AttackResult",
    "Bastion",
    "CFlow",
    "Detection",
    "Detector",
    "Dinomaly",
    "EfficientAD",
    "FastFlow",
    "PaDiM",
    "PatchCore",
    "PatchDiscriminator",
    "PatchGuard",
    "Purified",
    "PurifiedDetector",
    "ReContrast",
    "ReverseDistillation",
    "Selection",
    "Settings",
    "as_detector",
    "attack",
    "evaluate",
    "evaluate_classifier",
    "finetune_backbone",
    "load",
    "load_preset",
    "open_run",
    "textures",
    "write_html",
    "write_json",
    "write_markdown",
]

_ROOMS = {
    "data": ("load", "textures"),
    "detectors": (
        "APAE",
        "CFA",
        "DRAEM",
        "OCRGAN",
        "PLS",
        "RAE",
        "SPADE",
        "STFPM",
        "AdvRAD",
        "Bastion",
        "CFlow",
        "Detector",
        "Dinomaly",
        "EfficientAD",
        "FastFlow",
        "PaDiM",
        "PatchCore",
        "PatchDiscriminator",
        "PatchGuard",
        "PurifiedDetector",
        "ReContrast",
        "ReverseDistillation",
        "Selection",
        "as_detector",
    ),
    "detectors.finetuning": ("finetune_backbone",),
    "evaluation": ("attack", "evaluate", "evaluate_classifier"),
    "config": ("load_preset",),
    "purifiers": ("Purified",),
    "reports": ("write_html", "write_json", "write_markdown"),
    "runs": ("open_run",),
    "training": ("Settings",),
    "core.types": ("AttackResult", "Detection"),
}


def __getattr__(name: str) -> Any:
    """Import a room when something of it is first asked for: torch and diffusers take seconds."""
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(import_module(f"hardsight.{room}"), name)
    raise AttributeError(f"module 'hardsight' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
