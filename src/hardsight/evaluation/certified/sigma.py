"""The smoothing noise, chosen on validation normals and pseudo-anomalies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.certify import detector_scorer, ranks
from hardsight.core.modules import in_mode
from hardsight.data import AnomalyData
from hardsight.detectors import Detector
from hardsight.evaluation.certified.plan import Smoothing, Terms
from hardsight.evaluation.certified.protocol import own_detector, prepare
from hardsight.evaluation.certified.results import Floats
from hardsight.evaluation.certified.sampled import SampledScores, Sampling
from hardsight.evaluation.plan import Execution
from hardsight.evaluation.provenance import fingerprint
from hardsight.evaluation.wording import figure
from hardsight.metrics import certified_auroc
from hardsight.synthesis import pseudo_anomalies

SIGMAS = (0.0625, 0.125, 0.25)


class Tried(NamedTuple):
    """How one sigma did."""

    sigma: float
    aurocs: tuple[float, ...]
    """Estimate the certified AUROC at each radius."""

    @property
    def score(self) -> float:
        """Their mean."""
        return float(np.mean(self.aurocs))


@dataclass(frozen=True)
class SigmaChoice:
    """The sigmas tried, the best first."""

    tried: tuple[Tried, ...]
    radii: tuple[float, ...]

    @property
    def sigma(self) -> float:
        """The chosen one."""
        return self.tried[0].sigma

    @property
    def statement(self) -> str:
        """What was chosen among, and how."""
        others = ", ".join(f"{t.sigma:g}: {figure(t.score, 'AUROC')}" for t in self.tried)
        return (
            "Chosen on validation normals and synthetic defects by the mean certified AUROC over "
            f"the radii {', '.join(f'{r:g}' for r in self.radii)} ({others})."
        )


@dataclass(frozen=True)
class Evidence:
    """What sigma is chosen on: normal images, and defective copies of them.

    Args:
        images: normals used at most.
        copies: defective copies of each.
        severities: range of the synthetic defects' severity.
        samples: noisy copies scored of each image.
    """

    images: int = 8
    copies: int = 2
    severities: tuple[float, float] = (0.3, 1.0)
    samples: int = 100


EVIDENCE, SMOOTHING, EXECUTION = Evidence(), Smoothing(), Execution()


def choose_sigma(
    detector: Any,
    data: AnomalyData,
    terms: Terms,
    candidates: Sequence[float] = SIGMAS,
    *,
    smoothing: Smoothing = SMOOTHING,
    evidence: Evidence = EVIDENCE,
    normals: Tensor | None = None,
    execution: Execution = EXECUTION,
) -> SigmaChoice:
    """Try each sigma on normal images and defective copies of them; no test image is seen.

    What n noisy copies would certify is estimated from fewer, by the same quantiles of their
    scores: an estimate is enough to choose by, and the certificate is made of other samples.

    Args:
        detector, smoothing, execution: as for ``certify``; a time limit does not apply.
        data: ``train`` prepares the design, ``validation`` is judged on.
        terms: what is to be certified, whatever its sigma.
        candidates: sigmas to try; of equals the first.
        evidence: how many images and copies are looked at.
        normals: (M, 3, H, W) uint8 to judge on; None: the even half of ``data.validation``, which
            leaves the odd one for the threshold.

    Raises:
        ValueError: no candidate, no normals, or a bad parameter.
    """
    if not candidates:
        raise ValueError(f"candidates must name at least one sigma, e.g. {SIGMAS}")
    victim = own_detector(detector, data.train.size)
    found = data.validation.images()[::2] if normals is None else normals
    generator = torch.Generator().manual_seed(smoothing.seed)
    made = pseudo_anomalies(
        found[: evidence.images], evidence.copies, evidence.severities, generator
    )
    sampling = Sampling(victim.device, smoothing.seed, execution)
    tried = []
    for sigma in candidates:
        wanted = replace(terms, sigma=sigma)
        scores = _sampled(victim, data, made.images, wanted, smoothing, sampling, evidence.samples)
        tried.append(Tried(sigma, _certified(scores, made.labels.numpy(), wanted)))
    best_first = tuple(sorted(tried, key=lambda t: -t.score))
    return SigmaChoice(best_first, terms.radii)


def _sampled(
    victim: Detector,
    data: AnomalyData,
    images: Tensor,
    terms: Terms,
    smoothing: Smoothing,
    sampling: Sampling,
    samples: int,
) -> Floats:
    """Return scores (samples, N) of noisy copies."""
    smoothed = prepare(victim, data, terms.sigma, smoothing.design, smoothing.seed)
    scorer = detector_scorer(smoothed)
    scored = SampledScores(scorer, samples, terms.sigma, smoothing.batch_size)
    purpose, stage = f"choose/{terms.sigma}", f"sigma {terms.sigma:g}"
    facts = (fingerprint(smoothed), samples, smoothing.batch_size)
    with in_mode("eval", smoothed):
        parts = list(sampling.each(images, scored, purpose, stage, *facts))
    return torch.stack([p["scores"] for p in parts], dim=1).numpy()


def _certified(scores: Floats, labels: NDArray[np.bool_], terms: Terms) -> tuple[float, ...]:
    """Estimate the certified AUROC at each radius."""
    lower, upper = _expected_bounds(scores, terms)
    return tuple(
        certified_auroc(low[labels], high[~labels]) for low, high in zip(lower, upper, strict=True)
    )


def _expected_bounds(scores: Floats, terms: Terms) -> tuple[Floats, Floats]:
    """Return bounds (R, N) of ``terms.n`` scores, read off the quantiles of fewer."""
    s, m = np.sort(scores, axis=0), len(scores)
    low, high = ranks(terms.n, terms.radii, **terms.bounds)
    place = (low * m // terms.n).clip(1, m)
    other = (-(-high * m // terms.n)).clip(1, m)
    lower = np.where((low >= 1)[:, None], s[place - 1], -np.inf)
    upper = np.where((high <= terms.n)[:, None], s[other - 1], np.inf)
    return lower, upper
