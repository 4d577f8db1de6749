"""Post-training quantisation of an exported graph to 8 bits."""

import logging
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hardsight.core.extras import needed
from hardsight.data.splits import evenly
from hardsight.detectors.base import Detector
from hardsight.export.graph import INPUTS
from hardsight.export.runtimes import OPENVINO

SAMPLES = 32
"""Training normals that the ranges of activations are taken from, at most."""
SCORING = ("Subtract", "AvgPool", "Interpolate", "Power", "CumSum")
"""OpenVINO operations that turn a reconstruction into a score; they keep their precision."""


def quantised(graph: Any, detector: Detector, normals: Tensor, seed: int = 0) -> Any:
    """Return an OpenVINO model whose convolutions and matrix products compute in 8 bits (NNCF).

    Args:
        graph: OpenVINO model of the detector.
        detector: draws the noise.
        normals: (N, 3, H, W) uint8, of training; evenly spread ones calibrate the activations.
        seed: of the noise.

    Raises:
        ImportError: nncf is not installed.
    """
    nncf = needed("nncf", OPENVINO)
    nncf.set_log_level(logging.ERROR)
    index = evenly(np.arange(len(normals)), SAMPLES)
    images = normals[index].float() / 255
    noise = detector.sample_noise(images, torch.Generator().manual_seed(seed))
    given = (images,) if noise is None else (images, noise)
    samples = [
        dict(zip(INPUTS, (x[i : i + 1].numpy() for x in given), strict=False))
        for i in range(len(index))
    ]
    scope = nncf.IgnoredScope(types=list(SCORING), validate=False)
    return nncf.quantize(
        graph, nncf.Dataset(samples), subset_size=len(samples), ignored_scope=scope
    )
