"""A detector as a graph of (images, noise), for runtimes without torch."""

import copy
import warnings
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from hardsight.core.disk import named_when_full
from hardsight.core.extras import needed
from hardsight.core.precision import Choice
from hardsight.detectors.base import Detector
from hardsight.detectors.methods import METHODS
from hardsight.diffusion.upsample import fix_upsampling

ONNX = "'hardsight[onnx]'"
"""What to install."""
OPSET = 20
"""Version of the ONNX operators; onnxruntime reads it from 1.17 on, OpenVINO from 2024 on."""
INPUTS = ("images", "noise")
OUTPUTS = ("pred_score", "anomaly_map")
_BATCH = 3
"""Images of the example that is traced; no other size of a graph is likely to be the same."""


class _Graph(nn.Module):
    """The two tensors of a detection."""

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, images: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
        found = self.detector(images, noise)
        return found.pred_score, found.anomaly_map


@runtime_checkable
class Autocasting(Protocol):
    """A module that computes in a precision of its own."""

    precision: Choice


def precision_of(detector: nn.Module) -> Choice:
    """Return the precision in which a detector computes; single, if it has none of its own."""
    return next((m.precision for m in detector.modules() if isinstance(m, Autocasting)), "fp32")


def demand_exportable(detector: Detector) -> None:
    """Refuse a detector that has no graph.

    Raises:
        ValueError: its ``exportable`` is false.
    """
    if not detector.exportable:
        able = ", ".join(name for name, method in METHODS.items() if method.detector.exportable)
        raise ValueError(
            f"this {type(detector).__name__} cannot be exported: its score is no fixed graph of "
            f"(images, noise). Score with it in Python, or fit one of {able} (advrad and bastion "
            "with shots=1)"
        )


def demand_tracing() -> None:
    """Refuse to trace where the packages for it are not there.

    Raises:
        ImportError: naming what to install.
    """
    for module in ("onnx", "onnxscript"):
        needed(module, ONNX, "tracing an ONNX graph")


def write_onnx(detector: Detector, path: Path) -> None:
    """Write ``(images, noise) -> (pred_score, anomaly_map)`` in single precision as ONNX.

    The batch is dynamic, height and width are the detector's, and there is no ``noise`` where the
    detector takes none. The detector is left as it is.

    Args:
        detector: ``exportable``.
        path: of the .onnx file.

    Raises:
        ImportError: onnx or onnxscript is not installed.
        ValueError: as ``demand_exportable``.
    """
    demand_exportable(detector)
    demand_tracing()
    plain = copy.deepcopy(detector).cpu().eval().requires_grad_(False)
    for part in plain.modules():
        if isinstance(part, Autocasting):
            part.precision = "fp32"
    fix_upsampling(plain)
    images = torch.full((_BATCH, 3, *plain.size), 0.5)
    noise = plain.sample_noise(images, torch.Generator().manual_seed(0))
    given = (images,) if noise is None else (images, noise)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's exporter, about itself
        plain(*given)  # what is computed once and kept must be numbers, not traces
        batch = tuple({0: torch.export.Dim.DYNAMIC} for _ in given)
        traced = torch.export.export(_Graph(plain), given, dynamic_shapes=batch, strict=True)
        program = torch.onnx.export(
            traced,
            (),
            dynamo=True,
            opset_version=OPSET,
            input_names=INPUTS[: len(given)],
            output_names=OUTPUTS,
            verbose=False,
        )
    if program is None:
        raise RuntimeError(f"torch.onnx.export made nothing of {type(detector).__name__}")
    with named_when_full(path):
        program.save(path)
