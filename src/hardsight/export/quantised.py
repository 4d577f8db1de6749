"""Post-training quantisation of an exported graph to 8 bits."""

import logging
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hardsight.core.extras import needed
from hardsight.data.splits import evenly
from hardsight.detectors.base import Detector
from hardsight.export.graph import INPUTS
from hardsight.export.runtimes import OPENVINO, RUNTIMES

SAMPLES = 32
"""Training normals that the ranges of activations are taken from, at most."""
SCORING = ("Subtract", "AvgPool", "Interpolate", "Power", "CumSum")
"""OpenVINO operations that turn a reconstruction into a score; they keep their precision."""


def write_quantised(
    source: Path, folder: Path, detector: Detector, normals: Tensor, seed: int = 0
) -> None:
    """Write an OpenVINO graph whose convolutions and matrix products compute in 8 bits (NNCF).

    Args:
        source: folder of the detector's graph, not quantised.
        folder: to be written into.
        detector: draws the noise.
        normals: (N, 3, H, W) uint8, of training; evenly spread ones calibrate the activations.
        seed: of the noise.

    Raises:
        ImportError: nncf or openvino is not installed.
    """
    nncf, openvino = needed("nncf", OPENVINO), needed("openvino", OPENVINO)
    nncf.set_log_level(logging.ERROR)
    index = evenly(np.arange(len(normals)), SAMPLES)
    images = normals[index].float() / 255
    noise = detector.sample_noise(images, torch.Generator().manual_seed(seed))
    given = (images,) if noise is None else (images, noise)
    samples = [
        dict(zip(INPUTS, (x[i : i + 1].numpy() for x in given), strict=False))
        for i in range(len(index))
    ]
    file = RUNTIMES["openvino"].file
    graph = nncf.quantize(
        openvino.Core().read_model(str(source / file)),
        nncf.Dataset(samples),
        subset_size=len(samples),
        ignored_scope=nncf.IgnoredScope(types=list(SCORING), validate=False),
    )
    openvino.save_model(graph, str(folder / file), compress_to_fp16=False)
