"""The certification of a detector on a test set."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hardsight.certify import (
    PixelCounter,
    decide,
    detections,
    detector_scorer,
    plan_looks,
    score_samples,
)
from hardsight.core.types import Progress, quiet
from hardsight.data import AnomalyData, Manifest
from hardsight.detectors import Detector, as_detector
from hardsight.detectors.adapters.anomalib import is_anomalib, unchecked
from hardsight.detectors.adapters.smoothed import DESIGNS
from hardsight.evaluation.batches import Tensors
from hardsight.evaluation.certified.findings import bounded, pixel_items, settled
from hardsight.evaluation.certified.results import Certification, Terms
from hardsight.evaluation.certified.sampled import Sampling, in_proportion
from hardsight.evaluation.certified.threshold import calibrate_smoothed
from hardsight.evaluation.deadline import deadline
from hardsight.evaluation.gallery import choose
from hardsight.evaluation.provenance import describe, fingerprint

RADII = (0.0, 0.05, 0.1, 0.2)
CALIBRATION_SAMPLES = 100


def certify(
    detector: Any,
    data: AnomalyData,
    *,
    sigma: float,
    n: int = 1000,
    alpha: float = 0.001,
    radii: Sequence[float] = RADII,
    quantile: float = 0.5,
    design: str = "plain",
    early_stopping: bool = False,
    pixels: int = 6,
    fpr: float = 0.05,
    level: float | None = None,
    normals: Tensor | None = None,
    batch_size: int = 32,
    seed: int = 0,
    folder: str | Path | None = None,
    max_minutes: float | None = None,
    provenance: dict[str, str] | None = None,
    progress: Progress = quiet,
) -> Certification:
    """Certify a smoothed detector on the test set.

    Each image's n noisy copies bound its smoothed score at every radius (Chiang et al., 2020); all
    certified metrics and the pixels of the pictured images come of the same copies. Thresholds are
    set on held-out normal images, never on the test set.

    Args:
        detector: whatever ``as_detector`` takes; no gradient is needed. A function's batches hold
            values outside [0, 1].
        data: ``train`` prepares the design, ``validation`` sets the threshold, ``test`` is
            certified.
        sigma: standard deviation of the smoothing noise in [0, 1] pixel units.
        n: noisy copies an image.
        alpha: probability that a statement is false.
        radii: L2, in [0, 1] pixel units, for the table.
        quantile: of the smoothed score; 0.5 is the median.
        design: see ``hardsight.detectors.adapters.smoothed.DESIGNS``.
        early_stopping: stop sampling an image once its decision at the largest of ``radii`` is
            settled (``hardsight.certify.decide``). Faster, but there are only decisions then: no
            AUROC, no other radius, no pixels.
        pixels: images whose pixels are certified and pictured, half of them anomalous.
        fpr: false-positive rate at which the certified TPR is taken.
        level: false-alarm rate of the threshold; None: 1 %, or the lowest the normals support.
        normals: (M, 3, H, W) for the threshold; None: all of ``data.validation``.
        batch_size: noisy copies scored at a time.
        seed: of all randomness.
        folder: where finished images are kept; a killed certification goes on from there. A
            function cannot be told from another: give it a folder of its own.
        max_minutes: start no further image after this long and report what is done, saying so.
        provenance: what else the report shall show.
        progress: told of every finished image.

    Raises:
        ValueError: a test set without both kinds of images, a bad parameter, or too few normals.
        TypeError: a design that the detector cannot have.
    """
    terms = Terms(sigma, n, alpha, quantile, tuple(sorted(set(radii))), fpr)
    looks = plan_looks(n, terms.radii[-1], sigma, alpha, quantile) if early_stopping else None
    labels = data.demand_both_kinds()
    victim = own_detector(detector, data.test.size)
    smoothed = prepare(victim, data, sigma, design, seed)
    sampling = Sampling(
        victim.device,
        seed,
        Path(folder) if folder else None,
        deadline(max_minutes),
        progress,
    )
    facts = (fingerprint(smoothed), batch_size)
    calibration = calibrate_smoothed(
        smoothed,
        data.validation.images() if normals is None else normals,
        sampling,
        sigma=sigma,
        n=min(n, CALIBRATION_SAMPLES),
        quantile=quantile,
        level=level,
        batch_size=batch_size,
        facts=facts,
    )
    counted = pixels > 0 and smoothed.has_maps and looks is None

    def work(image: Tensor, generator: torch.Generator) -> Tensors:
        if looks:
            scorer = detector_scorer(smoothed)
            made = decide(scorer, image, calibration.threshold, looks, generator, batch_size)
            return {"settled": torch.tensor([int(v) for v in made])}
        if not counted:
            scorer = detector_scorer(smoothed)
            return {"scores": score_samples(scorer, image, n, sigma, generator, batch_size)}
        counter = PixelCounter(detections(smoothed), calibration.map_threshold)
        scores = score_samples(counter, image, n, sigma, generator, batch_size)
        return {"scores": scores, "above": torch.from_numpy(counter.above).int()}

    known = calibration.threshold if looks else calibration.map_threshold if counted else None
    order = in_proportion(labels)
    images = data.test.images()[torch.from_numpy(order)]
    stage = f"certify {design}"
    parts = list(sampling.each(images, work, f"certify/{sigma}", stage, *facts, n, looks, known))
    done = order[: len(parts)]
    part = labels[done]
    if len(done) == 0 or part.all() or not part.any():
        raise ValueError(
            f"time ran out after {len(done)} of {len(labels)} images, too few to report on; raise "
            f"max_minutes={max_minutes}"
        )
    values, t = images[0].numel(), calibration.threshold
    found = Certification(
        title=f"{type(victim).__name__} on {data.name}",
        design=design,
        terms=terms,
        threshold=t,
        statement=calibration.statement,
        labels=part,
        names=tuple(data.test.names[i] for i in done),
        seconds_per_image=float(torch.stack([p["seconds"] for p in parts]).mean()),
        provenance=(provenance or {}) | describe(smoothed, data, Manifest.of(data).sha256, seed),
        notes=tuple(_notes(data, len(done), terms, early_stopping)),
        **(
            settled(parts, part, terms.radii[-1], values)
            if looks
            else bounded(parts, part, terms, t, values, data.name)
        ),
    )
    if not counted:
        return found
    wanted = choose(labels, pixels)
    return replace(found, gallery=pixel_items(found, data, done, parts, wanted))


def own_detector(thing: Any, size: int) -> Detector:
    """Return whatever scores images as a detector in eval mode, without asking for its gradient."""
    if is_anomalib(thing) and not isinstance(getattr(thing, "detector", None), Detector):
        return unchecked(thing, size)
    return as_detector(thing, size).eval()


def prepare(
    detector: Detector, data: AnomalyData, sigma: float, design: str, seed: int = 0
) -> Detector:
    """Return what a design smooths; only the training normals are used.

    Raises:
        ValueError: an unknown design.
        TypeError: a design that the detector cannot have.
    """
    if design not in DESIGNS:
        raise ValueError(f"design={design!r} is not known; choose from {', '.join(DESIGNS)}")
    generator = torch.Generator(detector.device).manual_seed(seed)
    return DESIGNS[design](detector, data.train.images(), sigma, generator).eval()


def _notes(data: AnomalyData, done: int, terms: Terms, early: bool) -> Iterator[str]:
    if done < len(data.test):
        yield f"Time ran out: {done} of {len(data.test)} test images were certified."
    if data.skipped:
        yield f"{len(data.skipped)} unreadable files were left out; the manifest lists them."
    if terms.n > CALIBRATION_SAMPLES:
        yield (
            f"The threshold was set on {CALIBRATION_SAMPLES} noisy copies of each held-out normal "
            f"image, the test images have {terms.n}: the false-alarm rate may be a little off its "
            "level, the certificates are not."
        )
    if early:
        yield (
            "Sampling stopped early: only decisions at one radius are certified. AUROC, curves and "
            "pixels need all noisy copies."
        )
