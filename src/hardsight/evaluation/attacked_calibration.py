"""Thresholds that hold under attack: calibrated on attacked normal images."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from hardsight.attacks import Attempt, ScoreVictim, Suite
from hardsight.core.batches import at_once
from hardsight.core.capabilities import averaged_draws
from hardsight.core.modules import in_mode
from hardsight.core.noise import Noise
from hardsight.core.progress import Progress, quiet
from hardsight.detectors import Calibration, Detector
from hardsight.detectors.inputs import Images, batches, number_of
from hardsight.evaluation.costs import Meter, attempt_cost
from hardsight.evaluation.wording import radius
from hardsight.metrics import alarms


class AttackedCalibration(NamedTuple):
    """A threshold from attacked normal images, and what it means for clean ones."""

    calibration: Calibration
    clean: NDArray[np.float64]
    """(n,) scores of the same images left alone."""
    attacked: NDArray[np.float64]
    """(n,) their scores once attacked, on the noise of decisions."""
    nonfinite: NDArray[np.bool_]
    """(n,) those at which a gradient was NaN or infinite, attacked on by random search."""

    def alarms(self, threshold: float) -> tuple[float, float]:
        """Return the shares of (clean, attacked) images above a threshold."""
        clean, attacked = (alarms(s, threshold).mean() for s in (self.clean, self.attacked))
        return float(clean), float(attacked)


def calibrate_under(
    detector: Detector,
    normals: Images,
    suite: Suite,
    level: float | None = None,
    seed: int = 0,
    progress: Progress = quiet,
) -> AttackedCalibration:
    """Calibrate on held-out normal images that a suite has attacked upwards.

    The attacker knows the noise of decisions. Attacked calibration images and new attacked normal
    images are exchangeable where the same attack makes both, so the conformal promise holds for
    those; for a stronger attack it does not. Clean images score lower and alarm less.

    Args:
        detector: fitted.
        normals: normal images of no use to the detector before, at least 1 / level - 1; see
            ``Images``.
        suite: the attack.
        level: false-alarm rate; None takes 1 %, or the lowest that so many images can support.
        seed: of the attack.
        progress: told of attacked images.

    Raises:
        ValueError: too few images for the level; a suite that attacks the map, or another model.
    """
    if suite.on_map:
        raise ValueError(f"suite={suite.name!r} attacks the map; take one of the score, as eot-pgd")
    suite.demand_own("a threshold")
    total = number_of(normals)
    level = Calibration.check(total, level)
    suite, size = suite.once, at_once(detector.size, 8)
    noise, done, own = Noise(seed, detector.device), 0, averaged_draws(detector)
    meter = Meter(progress, "attack", total * sum(attempt_cost(a, own) for a in suite.attempts))
    meter.tell(0)
    clean, attacked, maxima, nonfinite = [], [], [], []
    with in_mode("eval", detector):
        for batch in batches(normals, detector.decoding, size):
            x = detector.prepare(batch)
            known = detector.decision_noise(x)
            victim = ScoreVictim(detector, torch.zeros(len(x), dtype=torch.bool, device=x.device))
            generator = noise.generator(f"calibrate/{suite.ball}", done)

            def told(attempt: Attempt, count: int = len(x), attacked: int = done) -> None:
                which = f"images {attacked + 1} to {attacked + count} of {total}"
                meter.tell(count * attempt_cost(attempt, own), which)

            harmed = suite(victim, x, generator, known, told)
            with torch.no_grad():
                clean.append(detector.score_only(x, known).pred_score.double().cpu())
                found = detector(harmed.images, known)
            attacked.append(found.pred_score.double().cpu())
            maxima.append(found.anomaly_map.flatten(1).amax(1).double().cpu())
            nonfinite.append(harmed.nonfinite.cpu())
            done += len(x)
    meter.end()
    before, scores, tops = (torch.cat(part).numpy() for part in (clean, attacked, maxima))
    calibration = Calibration.fit(scores, tops, level).decoded_as(detector.decoding)
    under = f"{suite.name}, {radius(suite.ball.name, suite.ball.eps)}"
    lost = torch.cat(nonfinite).numpy()
    return AttackedCalibration(replace(calibration, under=under), before, scores, lost)
