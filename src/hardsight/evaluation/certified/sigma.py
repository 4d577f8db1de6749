"""The smoothing noise, chosen on validation normals and pseudo-anomalies."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from hardsight.certify import detector_scorer, ranks, score_samples
from hardsight.core.types import Progress, quiet
from hardsight.data import AnomalyData
from hardsight.evaluation.batches import Tensors
from hardsight.evaluation.certified.protocol import own_detector, prepare
from hardsight.evaluation.certified.results import Floats, Terms
from hardsight.evaluation.certified.sampled import Sampling
from hardsight.evaluation.provenance import fingerprint
from hardsight.metrics import certified_auroc
from hardsight.synthesis import pseudo_anomalies

SIGMAS = (0.0625, 0.125, 0.25)


class Tried(NamedTuple):
    """How one sigma did."""

    sigma: float
    aurocs: tuple[float, ...]
    """Estimated certified AUROC at each radius."""

    @property
    def merit(self) -> float:
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
        others = ", ".join(f"{t.sigma:g}: {100 * t.merit:.1f} %" for t in self.tried)
        return (
            "Chosen on validation normals and synthetic defects by the mean certified AUROC over "
            f"the radii {', '.join(f'{r:g}' for r in self.radii)} ({others})."
        )


def choose_sigma(
    detector: Any,
    data: AnomalyData,
    candidates: Sequence[float] = SIGMAS,
    *,
    n: int = 1000,
    alpha: float = 0.001,
    radii: Sequence[float] = (0.0, 0.05, 0.1, 0.2),
    quantile: float = 0.5,
    design: str = "plain",
    normals: Tensor | None = None,
    images: int = 8,
    copies: int = 2,
    severities: tuple[float, float] = (0.3, 1.0),
    samples: int = 100,
    batch_size: int = 32,
    seed: int = 0,
    folder: str | Path | None = None,
    progress: Progress = quiet,
) -> SigmaChoice:
    """Try each sigma on normal images and defective copies of them; no test image is seen.

    What n noisy copies would certify is estimated from fewer, by the same quantiles of their
    scores: an estimate is enough to choose by, and the certificate is made of other samples.

    Args:
        detector, n, alpha, radii, quantile, design, batch_size, seed, folder, progress: as for
            ``certify``.
        data: ``train`` prepares the design, ``validation`` is judged on.
        candidates: sigmas to try; of equals the first.
        normals: (M, 3, H, W) uint8 to judge on; None: the even half of ``data.validation``, which
            leaves the odd one for the threshold.
        images: normals used at most.
        copies: defective copies of each.
        severities: range of the synthetic defects' severity.
        samples: noisy copies scored of each image.

    Raises:
        ValueError: no candidate, no normals, or a bad parameter.
    """
    if not candidates:
        raise ValueError(f"candidates must name at least one sigma, e.g. {SIGMAS}")
    victim = own_detector(detector, data.train.size)
    found = data.validation.images()[::2] if normals is None else normals
    generator = torch.Generator().manual_seed(seed)
    evidence = pseudo_anomalies(found[:images], copies, severities, generator)
    labels = evidence.labels.numpy()
    sampling = Sampling(victim.device, seed, Path(folder) if folder else None, progress=progress)
    tried = []
    for sigma in candidates:
        terms = Terms(sigma, n, alpha, quantile, tuple(sorted(set(radii))))
        smoothed = prepare(victim, data, sigma, design, seed)
        scorer = detector_scorer(smoothed)

        def work(image: Tensor, g: torch.Generator) -> Tensors:
            made = score_samples(scorer, image, samples, sigma, g, batch_size)  # noqa: B023
            return {"scores": made}

        purpose, stage = f"choose/{sigma}", f"sigma {sigma:g}"
        facts = (fingerprint(smoothed), samples, batch_size)
        parts = sampling.each(evidence.images, work, purpose, stage, *facts)
        scores = torch.stack([p["scores"] for p in parts], dim=1).numpy()
        lower, upper = _expected_bounds(scores, terms)
        aurocs = (
            certified_auroc(low[labels], high[~labels])
            for low, high in zip(lower, upper, strict=True)
        )
        tried.append(Tried(sigma, tuple(aurocs)))
    best_first = tuple(sorted(tried, key=lambda t: -t.merit))
    return SigmaChoice(best_first, terms.radii)


def _expected_bounds(scores: Floats, terms: Terms) -> tuple[Floats, Floats]:
    """(R, N) lower and upper: those of ``terms.n`` scores, read off the quantiles of fewer."""
    s, m = np.sort(scores, axis=0), len(scores)
    low, high = ranks(terms.n, terms.radii, **terms.bounds)
    place = np.floor(low / terms.n * m).astype(int).clip(1, m)
    other = np.ceil(high / terms.n * m).astype(int).clip(1, m)
    lower = np.where((low >= 1)[:, None], s[place - 1], -np.inf)
    upper = np.where((high <= terms.n)[:, None], s[other - 1], np.inf)
    return lower, upper
