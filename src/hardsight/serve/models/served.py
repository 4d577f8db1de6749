"""A detector under the name by which clients know it, with the threshold in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hardsight.core.batches import at_once
from hardsight.data import ImageError
from hardsight.detectors import Calibration, Detector, TwoWitnesses
from hardsight.evaluation.distribution_shift import rows_of_statistics
from hardsight.evaluation.provenance import fingerprint
from hardsight.metrics import alarms
from hardsight.runs import SCORE, beside, drift_references, open_detector_run
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


@dataclass(frozen=True)
class Origin:
    """What a model is loaded from."""

    run: Path
    """A run folder, an export or a bundle."""
    beside: Path | None = None
    """The run of a second detector; None: there is none."""

    @property
    def name(self) -> str:
        """Name of the folder, or of the bundle without its suffix."""
        return self.run.stem if self.run.is_file() else self.run.name


@dataclass(frozen=True, eq=False)
class ServedModel:
    """What scores, of one run, or of two side by side; never changed, only replaced."""

    name: str
    origin: Origin
    detector: Detector
    reports: Path
    """Folder below which commands write reports."""
    hash: str
    """Hash of weights and settings."""
    version: int = 0
    """Version of the threshold, see ``Decision``."""
    good_parts: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """Stream -> (n,) values of the run's good parts, see ``drift_references``."""

    @classmethod
    def load(cls, name: str, origin: Origin, log: InspectionLog, device: str = "auto") -> Self:
        """Load a run with the newest threshold of these weights in the log.

        Raises:
            RunError: no run of a detector, an unfinished one, or one without a threshold.
            BundleError: a bundle that is changed, or not signed as it must be.
            LogError: the log cannot be read.
        """
        run = open_detector_run(origin.run)
        if origin.beside is None:
            detector: Detector = run.deciding(device)
        else:
            detector, _ = beside(run, open_detector_run(origin.beside), device)
        detector.eval()
        good = drift_references(run, detector.demand_calibration())
        digest = fingerprint(detector)
        found = cls(name, origin, detector, run.reports, digest, good_parts=good)
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
    def references(self) -> dict[str, NDArray[np.float64]]:
        """What the line is held against for drift; the scores are those of the threshold's."""
        return {**self.good_parts, SCORE: np.asarray(self.calibration.clean_scores)}

    @property
    def at_once(self) -> int:
        """How many images one pass takes."""
        return at_once(self.detector.size, AT_ONCE)

    def decide(
        self, images: Tensor, arrivals: Sequence[Arrival]
    ) -> tuple[list[Decision], list[Tensor]]:
        """Score images (B, 3, H, W) as ``Detector.decide`` does; return decisions and maps (H, W).

        Raises:
            ImageError: the score of an image is not finite, so that nothing can be decided.
            TypeError, ValueError: images that the detector does not take.
        """
        scores, maps, verdicts = self._examined(images)
        for arrival, score in zip(arrivals, scores, strict=True):
            if not np.isfinite(score):
                raise ImageError(arrival.source or "image", f"its score is {score}; look at it")
        p_values = self.calibration.p_values(scores)
        labels = alarms(scores, self.calibration.threshold)
        maxima = maps.flatten(1).amax(1).double().numpy()
        decided = [
            Decision(
                source=arrival.source,
                image=arrival.sha256,
                score=float(score),
                p_value=float(p_value),
                label=bool(label),
                threshold=self.calibration.threshold,
                model=self.name,
                model_hash=self.hash,
                threshold_version=self.version,
                map_maximum=float(maximum),
                **verdict,
                **measured,
            )
            for arrival, score, p_value, label, maximum, verdict, measured in zip(
                arrivals, scores, p_values, labels, maxima, verdicts, rows_of_statistics(images),
                strict=True,
            )
        ]  # fmt: skip
        return decided, list(maps[:, 0])

    def _examined(self, images: Tensor) -> tuple[NDArray[np.float64], Tensor, list[dict[str, Any]]]:
        """Return scores (B,), maps (B, 1, H, W), and of two detectors what they say of each."""
        if not isinstance(self.detector, TwoWitnesses):
            found = self.detector.decide(images, len(images))
            return found.pred_score.double().numpy(), found.anomaly_map, [{}] * len(images)
        both, maps = self.detector.examine(images)
        verdicts = [
            {"verdict": verdict.value, "p_robust": float(robust), "p_suspicion": float(suspicion)}
            for verdict, (robust, suspicion) in zip(both.decisions, both.p_values, strict=True)
        ]
        return both.scores, maps, verdicts
