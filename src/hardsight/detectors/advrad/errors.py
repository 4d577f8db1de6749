"""What AdvRAD's error looks like on normal images, with and without smoothing noise."""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hardsight.core.batches import at_once
from hardsight.core.types import Progress, quiet

if TYPE_CHECKING:
    from hardsight.detectors.advrad.detector import AdvRAD


@torch.no_grad()
def error_maps(
    detector: "AdvRAD",
    normals: Tensor,
    generator: torch.Generator | None = None,
    sigma: float = 0.0,
    error_map: Callable[[Tensor], Tensor] | None = None,
    batch_size: int = 8,
    progress: Progress = quiet,
) -> Tensor:
    """(N, 1, H, W) unfiltered error maps of normal images, on the CPU.

    Args:
        detector: prepares the images, and makes the maps unless ``error_map`` does.
        normals: (N, 3, H, W) float in [0, 1], or uint8.
        generator: of the noise and of the detector's own.
        sigma: standard deviation in [0, 1] pixel units of fresh noise that is added; nothing is
            clamped. 0: none.
        error_map: images (B, 3, H, W) -> (B, 1, H, W).
        batch_size: images at a time, or fewer large ones.
        progress: told after every batch.

    Raises:
        ValueError: a negative sigma, or images the detector does not take.
    """
    if not sigma >= 0:
        raise ValueError(f"sigma must be >= 0, got {sigma}; it is in [0, 1] pixel units")
    parts: list[Tensor] = []
    done = 0
    for batch in torch.split(normals, at_once(normals.shape, batch_size)):
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


def noisy_reference(
    detector: "AdvRAD",
    normals: Tensor,
    sigma: float,
    generator: torch.Generator | None = None,
    draws: int | None = None,
    progress: Progress = quiet,
) -> "AdvRAD":
    """Return a copy of a detector that knows how normal images err under smoothing noise.

    Without it, every noisy image deviates from the mean map of noiseless ones. Weights are shared
    with the original; the threshold is not taken over, for the scores have another scale.

    Args:
        detector: fitted.
        normals: (N, 3, H, W) training normals, N >= 2.
        sigma: standard deviation of the smoothing noise in [0, 1] pixel units.
        generator: of all noise.
        draws: of the detector's own noise that the copy averages; None: as many as the detector.
        progress: told after every batch.
    """
    if not sigma > 0:
        raise ValueError(f"sigma must be > 0, got {sigma}; it is in [0, 1] pixel units, e.g. 0.125")
    memo = {id(detector.denoiser): detector.denoiser}  # not changed, hence not copied
    fitted = copy.deepcopy(detector, memo)
    if draws is not None:
        fitted.configure(**fitted.how | {"draws": draws})
    fitted.fit_reference(error_maps(fitted, normals, generator, sigma, progress=progress))
    fitted.calibration = None
    return fitted
