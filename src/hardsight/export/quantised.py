"""Post-training quantisation of an exported graph to 8 bits."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hardsight.core.extras import needed
from hardsight.data.splits import evenly
from hardsight.detectors.base import Detector
from hardsight.detectors.evidence import Evidence
from hardsight.export.graph import INPUTS
from hardsight.export.runtimes import OPENVINO, RUNTIMES

SAMPLES = Evidence().images
"""Training normals, at most, from which and from whose synthetic defects ranges are taken."""
LAYERS = (
    "Convolution",
    "GroupConvolution",
    "ConvolutionBackpropData",
    "GroupConvolutionBackpropData",
    "MatMul",
)
"""OpenVINO operations that are a layer, or, of matrix products, may be one."""


def write_quantised(
    source: Path, folder: Path, detector: Detector, normals: Tensor, seed: int = 0
) -> None:
    """Write an OpenVINO graph whose convolutions and linear layers compute in 8 bits (NNCF).

    What turns the output of the last layers into a score keeps its precision, and so do distances
    to a memory bank. The weights have 7 bits: CPUs without VNNI add products in 16, where those of
    8 overflow.

    Args:
        source: folder of the detector's graph, not quantised.
        folder: to be written into.
        detector: draws the noise.
        normals: (N, 3, H, W) uint8, of training; evenly spread ones give the ranges of activations,
            with synthetic defects on them: ranges of normal images alone clip what is anomalous.
        seed: of the noise and the synthetic defects.

    Raises:
        ImportError: nncf or openvino is not installed.
    """
    nncf, openvino = (needed(m, OPENVINO, "an export in 8 bits") for m in ("nncf", "openvino"))
    nncf.set_log_level(logging.ERROR)
    index = evenly(np.arange(len(normals)), SAMPLES)
    images = Evidence().evidence(normals[index], seed).images
    noise = detector.sample_noise(images, torch.Generator().manual_seed(seed))
    given = (images,) if noise is None else (images, noise)
    samples = [
        dict(zip(INPUTS, (x[i : i + 1].numpy() for x in given), strict=False))
        for i in range(len(images))
    ]
    file = RUNTIMES["openvino"].file
    graph = openvino.Core().read_model(str(source / file))
    exact = nncf.IgnoredScope(names=_no_layers(graph, detector), validate=False)
    quantised = nncf.quantize(
        graph,
        nncf.Dataset(samples),
        subset_size=len(samples),
        ignored_scope=exact,
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            overflow_fix=nncf.OverflowFix.ENABLE
        ),
    )
    openvino.save_model(quantised, str(folder / file), compress_to_fp16=False)


def _no_layers(graph: Any, detector: nn.Module) -> list[str]:
    """Return the names of the operations of a graph that keep their precision.

    They are matrix products that are no layer, and all operations from which no layer is reached:
    what turns features, or a reconstruction, into a score.
    """
    found = set(_other_products(graph, detector))
    reaching: set[str] = set()
    """Layers, and operations from which one is reached."""
    for one in reversed(graph.get_ordered_ops()):
        name, kind = one.get_friendly_name(), one.get_type_name()
        readers = {given.get_node().get_friendly_name() for given in _readers(one)}
        if (kind in LAYERS and name not in found) or readers & reaching:
            reaching.add(name)
        elif kind not in ("Constant", "Result"):
            found.add(name)
    return sorted(found)


def _readers(operation: Any) -> Iterator[Any]:
    """Yield the inputs that the outputs of an operation go to."""
    for output in operation.outputs():
        yield from output.get_target_inputs()


def _other_products(graph: Any, detector: nn.Module) -> list[str]:
    """Return the names of the matrix products of a graph that are no layer of the detector."""
    layers = [
        m.weight.detach().cpu().flatten(1).numpy()
        for m in detector.modules()
        if isinstance(m, (nn.Linear, nn.Conv2d))
    ]
    found = []
    for product in graph.get_ops():
        if product.get_type_name() != "MatMul":
            continue
        factors = [given.get_source_output().get_node() for given in product.inputs()]
        known = [
            f.data.reshape(f.data.shape[-2:]) for f in factors if f.get_type_name() == "Constant"
        ]
        if not any(_same(k, w) for k in known for w in layers):
            found.append(product.get_friendly_name())
    return found


def _same(product: NDArray[Any], layer: NDArray[Any]) -> bool:
    """Return whether a factor of a product is a layer's weight, or that turned round."""
    return any(one.shape == layer.shape and np.allclose(one, layer) for one in (product, product.T))
