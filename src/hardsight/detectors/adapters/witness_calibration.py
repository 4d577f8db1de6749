"""What two detectors make of a part: good, suspicious or a defect, calibrated on normal images."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.detectors.calibration import Calibration
from hardsight.detectors.held_out import shares
from hardsight.metrics import alarms, conformal_threshold, finite_p_values

TINY = 1e-12
"""The smallest spread that scores are divided by."""


class Decision(StrEnum):
    """What is to be done with a part."""

    GOOD = "good"
    """Neither detector sees anything, and they agree."""
    SUSPICIOUS = "suspicious"
    """The clean one alone sees a defect, or they disagree: it is inspected again."""
    DEFECT = "defect"
    """The robust one sees a defect."""


def decision(robust: float, suspicion: float) -> Decision:
    """Decide on a part by its two exceedances; one that is not finite is never good."""
    if robust > 0:
        return Decision.DEFECT
    found = np.array([robust, suspicion])
    return Decision.SUSPICIOUS if alarms(found, 0.0).any() else Decision.GOOD


class Decisions(NamedTuple):
    """What two detectors make of images."""

    decisions: list[Decision]
    p_values: NDArray[np.float64]
    """(N, 2): chance that a normal image is as conspicuous to the robust detector, and as
    suspicious; NaN where that is not finite."""
    scores: NDArray[np.float64]
    """(N,) the larger exceedance of each, which is the score of both together."""


@dataclass(frozen=True)
class WitnessCalibration:
    """What turns the scores of two detectors into two exceedances, whose zeros decide.

    Scores are standardised by held-out normals. Suspicion is the larger of the clean detector's
    standardised score and the standardised absolute disagreement of the two.
    """

    location: tuple[float, float] = (0.0, 0.0)
    """Medians of the robust and of the clean detector's scores of normal images."""
    spread: tuple[float, float] = (1.0, 1.0)
    """Their standard deviations."""
    offset: float = 0.0
    """Median difference of the clean and the robust standardised score."""
    disagreement: float = 1.0
    """Its standard deviation."""
    thresholds: tuple[float, float] = (0.0, 0.0)
    """Thresholds of the robust standardised score, and of the suspicion."""
    normals: tuple[tuple[float, float], ...] = ()
    """Both exceedances of each image that set the thresholds."""

    @classmethod
    def fit(cls, scores: Tensor, level: float | None = None) -> tuple["WitnessCalibration", float]:
        """Calibrate on scores (n, 2), robust and clean, of normal images; return the level, too.

        Every other image estimates location and spread, the rest set conformal thresholds.

        Raises:
            ValueError: too few images for the level.
        """
        estimating, calibrating = shares(scores, selecting=True)
        level = Calibration.check(len(calibrating), level)
        if len(estimating) < 2:
            raise ValueError(f"a spread needs 2 normal images, got {len(estimating)}: give more")
        location, spread = estimating.median(0).values, estimating.std(0).clamp_min(TINY)
        apart = ((estimating - location) / spread).diff(dim=1)
        bare = cls(
            (float(location[0]), float(location[1])),
            (float(spread[0]), float(spread[1])),
            float(apart.median()),
            float(apart.std().clamp_min(TINY)),
        )
        robust, suspicion = bare.exceedances(calibrating).double().numpy().T
        thresholds = conformal_threshold(robust, level), conformal_threshold(suspicion, level)
        found = replace(bare, thresholds=thresholds)
        normals = tuple((r, s) for r, s in found.exceedances(calibrating).double().tolist())
        return replace(found, normals=normals), level

    def exceedances(self, scores: Tensor) -> Tensor:
        """Return (B, 2) of scores (B, 2): above 0 a defect, above 0 suspicious; differentiable."""
        z = (scores - scores.new_tensor(self.location)) / scores.new_tensor(self.spread)
        apart = (z[:, 1] - z[:, 0] - self.offset).abs() / self.disagreement
        found = torch.stack((z[:, 0], torch.maximum(z[:, 1], apart)), dim=1)
        return found - found.new_tensor(self.thresholds)

    def inspect(self, scores: Tensor, threshold: float = 0.0) -> Decisions:
        """Decide on scores (B, 2), robust and clean, by exceedances above a threshold."""
        rows = self.exceedances(scores).double().numpy()
        normals = np.asarray(self.normals)
        p = np.stack([finite_p_values(rows[:, i], normals[:, i]) for i in (0, 1)], axis=1)
        return Decisions([decision(*(row - threshold)) for row in rows], p, rows.max(axis=1))
