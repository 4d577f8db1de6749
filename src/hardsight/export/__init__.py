"""Detectors as ONNX and OpenVINO graphs, and what runs them."""

from hardsight.export.comparison import Comparison, compare
from hardsight.export.exported import Exported
from hardsight.export.exporting import export
from hardsight.export.target import Target

__all__ = [
    "Comparison",
    "Exported",
    "Target",
    "compare",
    "export",
]
