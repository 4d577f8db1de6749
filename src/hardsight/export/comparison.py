"""A detector and its exports side by side: what they find, and how fast."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from hardsight.detectors.base import Detector
from hardsight.detectors.evidence import Evidence
from hardsight.metrics import auroc

ROUNDS = 7
"""In which the detectors take turns to be timed."""


@dataclass(frozen=True)
class Comparison:
    """How one of the detectors does, on the same images and noise as the others."""

    auroc: float
    """Validation normals against synthetic defects."""
    seconds: float
    """An image scored alone, the median of turns, on this machine as busy as it is."""


def compare(
    detectors: Mapping[str, Detector], normals: Tensor, seed: int = 0
) -> dict[str, Comparison]:
    """Measure AUROC and speed of detectors, all on the same images and the known noise.

    Args:
        detectors: by name; they are timed in turns.
        normals: (M, 3, H, W) uint8, held out of training, M >= 2.
        seed: of the synthetic defects.
    """
    evidence = Evidence().evidence(normals, seed)
    labels = evidence.labels.numpy()
    found = {
        name: auroc(detector.predict(evidence.images).pred_score.double().numpy(), labels)
        for name, detector in detectors.items()
    }
    one, times = evidence.images[:1], {name: list[float]() for name in detectors}
    for _ in range(ROUNDS):
        for name, detector in detectors.items():
            begun = time.perf_counter()
            detector.predict(one)
            times[name].append(time.perf_counter() - begun)
    return {name: Comparison(found[name], statistics.median(t)) for name, t in times.items()}
