"""The threshold of a smoothed score, from normal images under noise."""

from dataclasses import replace

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
    detect = detections(detector)
    n, sigma, quantile, rank = terms.n, terms.sigma, terms.quantile, terms.rank

    @torch.no_grad()
    def work(image: Tensor, generator: torch.Generator) -> Tensors:
        scores, maps = [], []
        for x in noisy_batches(image, n, sigma, generator, smoothing.batch_size):
            found = detect(x, generator)
            scores.append(found.pred_score.clone())
            maps.append(found.anomaly_map[:, 0].clone())
        # the smallest y with P[score <= y] >= quantile
        score = torch.cat(scores).double().kthvalue(rank).values
        middle = torch.cat(maps).kthvalue(rank, dim=0).values if detector.has_maps else score
        return {"score": score, "largest": middle.double().amax()}

    stage = "calibrate"
    sampling = replace(sampling, deadline=float("inf"))
    parts = list(sampling.each(normals, work, "calibrate", stage, sigma, n, quantile, *facts))
    scores, largest = (torch.stack([p[k] for p in parts]).numpy() for k in ("score", "largest"))
    return Calibration.fit(scores, largest, level)
