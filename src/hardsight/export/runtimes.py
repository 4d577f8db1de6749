"""What computes an exported graph: onnxruntime or OpenVINO, on the CPU."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from hardsight.core.extras import needed
from hardsight.core.precision import Precision
from hardsight.export.graph import INPUTS, ONNX, OUTPUTS

OPENVINO = "'hardsight[openvino]'"
"""What to install."""
Arrays = tuple[NDArray[np.float32], ...]
Compute = Callable[[Arrays], Arrays]
"""(images,) or (images, noise) -> (pred_score, anomaly_map)."""


def load_onnx(path: Path, precision: Precision) -> Compute:
    """Load an .onnx file as a function, on as many threads as torch uses.

    Args:
        path: of the graph.
        precision: does nothing: onnxruntime computes in that of the graph, single precision.

    Raises:
        ImportError: onnxruntime is not installed.
    """
    runtime = needed("onnxruntime", ONNX, "scoring by an ONNX graph")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(given: Arrays) -> Arrays:
        return tuple(session.run(list(OUTPUTS), dict(zip(INPUTS, given, strict=False))))

    return run


def load_openvino(path: Path, precision: Precision) -> Compute:
    """Load an .xml file with its .bin as a function, on as many threads as torch uses.

    Args:
        path: of the graph.
        precision: in bfloat16 OpenVINO may round what is not quantised.

    Raises:
        ImportError: openvino is not installed.
    """
    openvino = needed("openvino", OPENVINO, "scoring by an OpenVINO graph")
    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": "bf16" if precision.low else "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)

    def run(given: Arrays) -> Arrays:
        found = compiled(dict(zip(INPUTS, given, strict=False)))
        return tuple(found[name] for name in OUTPUTS)

    return run


@dataclass(frozen=True)
class Runtime:
    """What computes the graphs of a format."""

    file: str
    """Name of the graph's file in the folder of an export."""
    weights: str
    """The file that holds its weights."""
    load: Callable[[Path, Precision], Compute]


RUNTIMES = {
    "onnx": Runtime("model.onnx", "model.onnx", load_onnx),
    "openvino": Runtime("model.xml", "model.bin", load_openvino),
}
"""Format -> what computes it."""


class Graph:
    """The graph of an export; pickled it is its folder's name, and opened there again.

    Args:
        folder: of the export; a worker on another machine needs it at the same place.
        form: of it, a key of ``RUNTIMES``.
        precision: see ``Runtime.load``.
        weights: what their hash must be; None: whatever it is.

    Raises:
        ImportError: the runtime is not installed.
        ValueError: there is no graph, or one of other weights.
    """

    def __init__(
        self, folder: Path, form: str, precision: Precision, weights: str | None = None
    ) -> None:
        runtime = RUNTIMES[form]
        if not (folder / runtime.file).is_file():
            raise ValueError(f"{folder} holds no {runtime.file}; export again")
        content = (folder / runtime.weights).read_bytes()
        self.weights = hashlib.sha256(content).hexdigest()[:16]
        if weights not in (None, self.weights):
            raise ValueError(
                f"{folder / runtime.weights} has the weights {self.weights}, not {weights}; every "
                "worker needs the same export there"
            )
        self._opened_by = folder, form, precision, self.weights
        self._compute = runtime.load(folder / runtime.file, precision)

    def __call__(self, arrays: Arrays) -> Arrays:
        """Return score and map of (images,) or (images, noise)."""
        return self._compute(arrays)

    def __reduce__(self) -> tuple[type["Graph"], tuple[Path, str, Precision, str]]:
        return Graph, self._opened_by
