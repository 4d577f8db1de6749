"""What computes an exported graph: onnxruntime or OpenVINO, on the CPU."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from hardsight.core.extras import needed
from hardsight.export.graph import INPUTS, ONNX, OUTPUTS

OPENVINO = "'hardsight[openvino]'"
"""What to install."""
Hint = Literal["f32", "bf16"]
"""Precision in which OpenVINO may compute what is not quantised."""
Arrays = tuple[NDArray[np.float32], ...]
Runtime = Callable[[Arrays], Arrays]
"""(images,) or (images, noise) -> (pred_score, anomaly_map)."""


def onnx_runtime(path: Path, hint: Hint = "f32") -> Runtime:
    """Return an .onnx file as a function, on as many threads as torch uses.

    Raises:
        ImportError: onnxruntime is not installed.
        ValueError: another precision than f32.
    """
    if hint != "f32":
        raise ValueError(f'precision={hint!r} is for OpenVINO; of ONNX leave it "f32"')
    runtime = needed("onnxruntime", ONNX)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(given: Arrays) -> Arrays:
        return tuple(session.run(list(OUTPUTS), dict(zip(INPUTS, given, strict=False))))

    return run


def openvino_runtime(path: Path, hint: Hint = "f32") -> Runtime:
    """Return an .xml file with its .bin as a function, on as many threads as torch uses.

    Args:
        path: of the graph.
        hint: "bf16" lets OpenVINO round where the CPU gains by it.

    Raises:
        ImportError: openvino is not installed.
    """
    openvino = needed("openvino", OPENVINO)
    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": hint,
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)

    def run(given: Arrays) -> Arrays:
        found = compiled(dict(zip(INPUTS, given, strict=False)))
        return tuple(found[name] for name in OUTPUTS)

    return run


RUNTIMES: dict[str, tuple[str, Callable[[Path, Hint], Runtime]]] = {
    "onnx": ("model.onnx", onnx_runtime),
    "openvino": ("model.xml", openvino_runtime),
}
"""Format -> the graph's file and what computes it."""
