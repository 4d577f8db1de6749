"""A detector under the name by which clients know it, with the threshold in force."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from torch import Tensor

from hardsight.core.batches import at_once
from hardsight.detectors import Calibration, Detector
from hardsight.evaluation.provenance import fingerprint
from hardsight.runs import open_detector_run
from hardsight.serve.decision import Decision
from hardsight.serve.log import InspectionLog
from hardsight.serve.log.thresholds import ThresholdVersion, thresholds

AT_ONCE = 16
"""Images of one pass at most."""


@dataclass(frozen=True)
class Arrival:
    """An image that came in, as the log will know it."""

    source: str
    sha256: str


@dataclass(frozen=True, eq=False)
class ServedModel:
    """What scores, of one run folder or export; never changed, only replaced."""

    name: str
    folder: Path
    detector: Detector
    hash: str
    """Of weights and settings."""
    version: int = 0
    """Of the threshold, see ``Decision``."""

    @classmethod
    def load(cls, name: str, folder: Path, log: InspectionLog, device: str = "auto") -> Self:
        """Load a run or an export with the newest threshold of these weights in the log.

        Raises:
            RunError: no run of a detector, an unfinished one, or one without a threshold.
            LogError: the log cannot be read.
        """
        detector = open_detector_run(folder).deciding(device).eval()
        found = cls(name, folder, detector, fingerprint(detector))
        versions = thresholds(log, name, found.hash)
        return found.with_threshold(versions[-1]) if versions else found

    def with_threshold(self, version: ThresholdVersion) -> Self:
        """Return this model with another threshold; weights are shared."""
        detector = self.detector.with_calibration(version.calibration)
        return replace(self, detector=detector, version=version.version)

    @property
    def calibration(self) -> Calibration:
        """The threshold in force, and what it was set on."""
        return self.detector.demand_calibration()

    @property
    def at_once(self) -> int:
        """How many images one pass takes."""
        return at_once(self.detector.size, AT_ONCE)

    def decide(
        self, images: Tensor, arrivals: Sequence[Arrival]
    ) -> tuple[list[Decision], list[Tensor]]:
        """Score images (B, 3, H, W) as ``Detector.decide`` does; return decisions and maps (H, W).

        Raises:
            TypeError, ValueError: images that the detector does not take.
        """
        found = self.detector.decide(images, len(images))
        scores = found.pred_score.double().numpy()
        p_values = self.calibration.p_values(scores)
        maxima = found.anomaly_map.flatten(1).amax(1).double().numpy()
        decided = [
            Decision(
                source=arrival.source,
                image=arrival.sha256,
                score=float(score),
                p_value=float(p_value),
                label=bool(score > self.calibration.threshold),
                threshold=self.calibration.threshold,
                model=self.name,
                model_hash=self.hash,
                threshold_version=self.version,
                map_maximum=float(maximum),
            )
            for arrival, score, p_value, maximum in zip(
                arrivals, scores, p_values, maxima, strict=True
            )
        ]
        return decided, list(found.anomaly_map[:, 0])
