"""Detectors as ONNX and OpenVINO graphs, and what runs them."""

from hardsight.export.exported import Exported

__all__ = [
    "Exported",
]
