"""AdvRAD's error on normal images, with and without smoothing noise."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Generator, Tensor

from hardsight.core.batches import batched
from hardsight.core.progress import Progress, quiet
from hardsight.detectors.advrad.contract import E, ErrorDetector
from hardsight.detectors.advrad.scoring import ReferenceStatistics, Scoring


@torch.no_grad()
def error_maps(
    detector: ErrorDetector,
    normals: Tensor,
    generator: Generator | None = None,
    sigma: float = 0.0,
    error_map: Callable[[Tensor], Tensor] | None = None,
    progress: Progress = quiet,
) -> Tensor:
    """Return unfiltered error maps (N, 1, H, W) of normal images, on the CPU.

    Args:
        detector: prepares the images, and makes the maps unless ``error_map`` does.
        normals: (N, 3, H, W) float in [0, 1], or uint8.
        generator: of the noise and of the detector's own.
        sigma: standard deviation in [0, 1] pixel units of fresh noise that is added; nothing is
            clamped. 0: none.
        error_map: images (B, 3, H, W) -> (B, 1, H, W).
        progress: told after every batch.

    Raises:
        ValueError: a negative sigma, or images the detector does not take.
    """
    if not sigma >= 0:
        raise ValueError(f"sigma must be >= 0, got {sigma}; it is in [0, 1] pixel units")
    parts: list[Tensor] = []
    done = 0
    for batch in batched(normals, 8):
        x = detector.prepare(batch)
        if sigma:
            z = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
            x = x + sigma * z
        errors = (
            error_map(x)
            if error_map
            else detector.error_map(x, detector.sample_noise(x, generator))
        )
        parts.append(errors.cpu())
        done += len(batch)
        progress("reference", done, len(normals), "images")
    return torch.cat(parts)


def with_reference(
    detector: E,
    scoring: Scoring,
    normals: Tensor,
    generator: Generator | None = None,
    sigma: float = 0.0,
    progress: Progress = quiet,
) -> E:
    """Return a detector that scores as told, beside the errors of normal images under it.

    Args:
        detector: with a trained denoiser, which is shared.
        scoring: how.
        normals: (N, 3, H, W) training normals, N >= 2.
        generator, sigma, progress: see ``error_maps``.
    """
    bare = detector.with_scoring(replace(scoring, reference="error"))
    errors = error_maps(bare, normals, generator, sigma, progress=progress)
    return detector.with_scoring(scoring, ReferenceStatistics.of(errors, scoring.filter_size))


def noisy_reference(
    detector: E,
    normals: Tensor,
    sigma: float,
    generator: Generator | None = None,
    draws: int | None = None,
    progress: Progress = quiet,
) -> E:
    """Return a detector that knows how normal images err under smoothing noise.

    Without it, every noisy image deviates from the mean map of noiseless ones. Weights are shared
    with the original; the threshold is not taken over, for the scores have another scale.

    Args:
        detector: fitted.
        normals: (N, 3, H, W) training normals, N >= 2.
        sigma: standard deviation of the smoothing noise in [0, 1] pixel units.
        generator: of all noise.
        draws: of the detector's own noise that are averaged; None: as many as the detector's.
        progress: told after every batch.
    """
    if not sigma > 0:
        raise ValueError(f"sigma must be > 0, got {sigma}; it is in [0, 1] pixel units, e.g. 0.125")
    scoring = replace(detector.scoring, draws=detector.draws if draws is None else draws)
    return with_reference(detector, scoring, normals, generator, sigma, progress)
