"""Noisy copies of an image, made in batches on its device, and what a detector says of them."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from hardsight.certify.confidence import check_samples
from hardsight.certify.percentile import check_sigma
from hardsight.core.types import Detection, check_images
from hardsight.detectors import Detector

WIDE_BATCH = 32
"""Noisy copies in a batch where nothing is gained by fewer."""


class Scorer(Protocol):
    """What is smoothed: any function, differentiable or not, deterministic or not."""

    def __call__(self, images: Tensor, generator: torch.Generator, /) -> Tensor:
        """Score images (B, C, H, W), *not* confined to [0, 1]; own randomness from ``generator``.

        Whatever is done to the images first (clamp, resize, normalise) belongs to the function,
        and the certificate covers it. The images are overwritten by the next batch.
        """
        ...


def noisy_batches(
    image: Tensor, n: int, sigma: float, generator: torch.Generator, batch_size: int | None = None
) -> Iterator[Tensor]:
    """Yield n copies ``image + sigma z``, unclamped, in batches (b, C, H, W) of one buffer.

    Memory is that of a batch, whatever n is. A batch is valid until the next one is asked for.

    Args:
        image: (C, H, W) in [0, 1], at the resolution the certificate is about.
        n: copies in all.
        sigma: standard deviation of the noise in pixel units.
        generator: on the image's device; the same state and batch size give the same copies.
        batch_size: copies at a time; None: see ``copies_at_once``.

    Raises:
        ValueError: an image that is not one, n or batch_size below 1, sigma not positive.
    """
    if not isinstance(image, Tensor) or image.ndim != 3:
        shape = tuple(image.shape) if isinstance(image, Tensor) else type(image).__name__
        raise ValueError(f"image must be one image (C, H, W), got {shape}; certify one at a time")
    check_images(image[None], "image")
    check_samples(n)
    if batch_size is None:
        batch_size = copies_at_once(image)
    check_samples(batch_size, "batch_size")
    check_sigma(sigma)
    buffer = image.new_empty(min(n, batch_size), *image.shape)
    for start in range(0, n, batch_size):
        yield buffer[: n - start].normal_(0, sigma, generator=generator).add_(image)


def copies_at_once(image: Tensor) -> int:
    """Return the batch size for noisy copies of an image (C, H, W) on its device.

    On a CPU fewer large ones: where an activation of a batch is larger than what the C library
    keeps (32 MiB, see ``core.memory``), every batch pays for its memory anew.
    """
    if image.device.type != "cpu":
        return WIDE_BATCH
    return max(WIDE_BATCH // 4, min(WIDE_BATCH, 2**18 // image[0].numel()))


def score_samples(
    scorer: Scorer,
    image: Tensor,
    n: int,
    sigma: float,
    generator: torch.Generator,
    batch_size: int | None = None,
) -> Tensor:
    """Score n noisy copies of one image, each with noise and detector randomness of its own.

    Args:
        scorer: ``(images, generator) -> (B,)``; of a detector ``detector_scorer`` makes one.
        image, n, sigma, generator, batch_size: as ``noisy_batches``.

    Returns:
        (n,) float64 on the CPU.

    Raises:
        ValueError: as ``noisy_batches``, or scores of a wrong shape, NaN or infinite.
    """
    parts = []
    with torch.no_grad():
        for x in noisy_batches(image, n, sigma, generator, batch_size):
            scores = scorer(x, generator)
            if scores.shape != x.shape[:1]:
                raise ValueError(
                    f"scorer must return one score per image, ({len(x)},), "
                    f"got {tuple(scores.shape)}"
                )
            parts.append(scores.clone())
    found = torch.cat(parts).cpu().double()
    if not bool(found.isfinite().all()):
        raise ValueError(
            f"scorer returned {int((~found.isfinite()).sum())} score(s) of {n} that are NaN or "
            f"infinite at sigma={sigma:g}; look at what it makes of values outside [0, 1]"
        )
    return found


def detections(detector: Detector) -> Callable[[Tensor, torch.Generator], Detection]:
    """Return ``(images, generator) -> Detection`` of a detector, fresh noise at every call.

    It goes past ``Detector.check``: noisy copies lie outside [0, 1], as the theorem wants them.
    """

    def detect(images: Tensor, generator: torch.Generator) -> Detection:
        found: Detection = detector(images, detector.sample_noise(images, generator))
        return found

    return detect


def detector_scorer(detector: Detector) -> Scorer:
    """Return the ``Scorer`` of a detector's image score, which can be pickled."""
    return partial(_score, detector)


def _score(detector: Detector, images: Tensor, generator: torch.Generator, /) -> Tensor:
    return detector.score_only(images, detector.sample_noise(images, generator)).pred_score
