"""The threshold of a smoothed score, from normal images under noise."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hardsight.certify import detections, noisy_batches
from hardsight.detectors import Calibration, Detector
from hardsight.evaluation.batches import Tensors
from hardsight.evaluation.certified.plan import Smoothing, Terms
from hardsight.evaluation.certified.sampled import Sampling


def calibrate_smoothed(
    detector: Detector,
    normals: Tensor,
    sampling: Sampling,
    terms: Terms,
    smoothing: Smoothing,
    facts: tuple[object, ...] = (),
) -> Calibration:
    """Return where the smoothed score, and a pixel of the smoothed map, becomes an anomaly.

    Split-conformal, as ``Calibration.fit``, on the empirical quantiles of n noisy copies of each
    normal image. Whatever the threshold, a certificate at it holds: n decides only how near the
    false-alarm rate of the smoothed detector comes to its level.

    Args:
        detector: what is smoothed.
        normals: (M, 3, H, W) held out of everything else; none of the test set.
        sampling: where their scores are kept; its deadline does not apply.
        terms: noise, copies of each, whose maps are held in memory, and quantile.
        smoothing: level and batch size.
        facts: what tells this detector from others.

    Raises:
        ValueError: too few images for the level.
    """
    level = Calibration.check(len(normals), smoothing.level)
    work = _Middle(detector, terms, smoothing.batch_size)
    stage, sampled = "calibrate", (terms.sigma, terms.n, terms.quantile)
    sampling = replace(sampling, deadline=float("inf"))
    parts = list(sampling.each(normals, work, "calibrate", stage, *sampled, *facts))
    scores, largest = (torch.stack([p[k] for p in parts]).numpy() for k in ("score", "largest"))
    return Calibration.fit(scores, largest, level)


@dataclass(frozen=True)
class _Middle:
    """Takes the empirical quantiles of the scores and maps of noisy copies of an image."""

    detector: Detector
    terms: Terms
    batch_size: int | None

    @torch.no_grad()
    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensors:
        n, sigma, rank = self.terms.n, self.terms.sigma, self.terms.rank
        detect = detections(self.detector)
        scores, maps = [], []
        for x in noisy_batches(image, n, sigma, generator, self.batch_size):
            found = detect(x, generator)
            scores.append(found.pred_score.clone())
            maps.append(found.anomaly_map[:, 0].clone())
        # the smallest y with P[score <= y] >= quantile
        score = torch.cat(scores).double().kthvalue(rank).values
        middle = torch.cat(maps).kthvalue(rank, dim=0).values if self.detector.has_maps else score
        return {"score": score, "largest": middle.double().amax()}
