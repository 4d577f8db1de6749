"""The certification of a detector on a test set."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from hardsight.certify import (
    Looks,
    PixelCounter,
    decide,
    detections,
    detector_scorer,
    plan_looks,
)
from hardsight.core.capabilities import title_of
from hardsight.core.modules import in_mode
from hardsight.data import AnomalyData, published_category
from hardsight.data.findings import skipped
from hardsight.detectors import Calibration, Detector, as_detector
from hardsight.detectors.adapters.anomalib import is_anomalib, unchecked
from hardsight.detectors.adapters.designs import DESIGNS
from hardsight.evaluation.batches import Tensors
from hardsight.evaluation.certified.findings import bounded, pixel_items, settled
from hardsight.evaluation.certified.plan import Smoothing, Terms
from hardsight.evaluation.certified.results import Certification
from hardsight.evaluation.certified.sampled import SampledScores, Sampling
from hardsight.evaluation.certified.threshold import calibrate_smoothed
from hardsight.evaluation.plan import Execution, Record
from hardsight.evaluation.provenance import describe, digest_of, fingerprint
from hardsight.evaluation.published import published_certified
from hardsight.evaluation.subjects import DetectorSubject
from hardsight.evaluation.subjects.synthetic import demand_defects

SMOOTHING, EXECUTION, RECORD = Smoothing(), Execution(), Record()
CALIBRATION_SAMPLES = 100


def certify(
    detector: Any,
    data: AnomalyData,
    terms: Terms,
    *,
    smoothing: Smoothing = SMOOTHING,
    normals: Tensor | None = None,
    execution: Execution = EXECUTION,
    record: Record = RECORD,
) -> Certification:
    """Certify a smoothed detector on the test set.

    Each image's n noisy copies bound its smoothed score at every radius (Chiang et al., 2020); all
    certified metrics and the pixels of the pictured images come of the same copies. Thresholds are
    set on held-out normal images, never on the test set. The detector is smoothed in eval mode, and
    left as it was.

    Args:
        detector: whatever ``as_detector`` takes; no gradient is needed. A function's batches hold
            values outside [0, 1].
        data: ``train`` prepares the design, ``validation`` sets the threshold, ``test`` is
            certified.
        terms: what is certified.
        smoothing: how the detector is smoothed and sampled.
        normals: (M, 3, H, W) for the threshold; None: all of ``data.validation``.
        execution: where finished images are kept; a function cannot be told from another: give it a
            folder of its own. Images of both labels have their part in what is done in time.
        record: what the report says besides.

    Raises:
        ValueError: a test set without both labels, a bad parameter, or too few normals.
        TypeError: a design that the detector cannot have.
    """
    last = terms.radii[-1]
    early = smoothing.early_stopping
    looks = plan_looks(terms.n, last, terms.sigma, terms.alpha, terms.quantile) if early else None
    labels, victim = demand_defects(data), own_detector(detector, data.test.size)
    smoothed = prepare(victim, data, terms.sigma, smoothing.design, smoothing.seed)
    sampling = Sampling.of(victim.device, smoothing.seed, execution)
    facts = (fingerprint(smoothed), smoothing.batch_size)
    counted = smoothing.pixels > 0 and smoothed.has_maps and looks is None
    images = data.test.images()
    with in_mode("eval", smoothed):
        calibration = calibrate_smoothed(
            smoothed,
            data.validation.images() if normals is None else normals,
            sampling,
            replace(terms, n=min(terms.n, CALIBRATION_SAMPLES)),
            smoothing,
            facts,
        )
        known = calibration.threshold if looks else calibration.map_threshold if counted else None
        copies = _Copies(smoothed, terms, smoothing.batch_size, calibration, looks, counted)
        found = sampling.spread(
            images,
            labels,
            copies,
            f"certify/{terms.sigma}",
            f"certify {smoothing.design}",
            *(*facts, terms.n, looks, known),
        )
    done, part = found.places, labels[found.places]
    if len(done) == 0 or part.all() or not part.any():
        raise ValueError(
            f"time ran out after {len(done)} of {len(labels)} images, too few to report on; raise "
            f"max_minutes={execution.max_minutes}"
        )
    values, threshold = images[0].numel(), calibration.threshold
    origin = describe(smoothed, data, digest_of(data), smoothing.seed)
    result = Certification(
        title=record.title or f"{title_of(victim)} on {data.name}",
        design=smoothing.design,
        terms=terms,
        threshold=threshold,
        statement=calibration.statement,
        labels=part,
        names=tuple(data.test.names[i] for i in done),
        seconds_per_image=found.seconds_per_image,
        provenance={**record.provenance, **origin},
        notes=tuple(_notes(data, len(done), terms, early)),
        **(
            settled(found, part, last, values)
            if looks
            else bounded(found, part, terms, threshold, values)
        ),
    )
    result = beside_published(result, victim.paper, published_category(data))
    if not counted:
        return result
    wanted = DetectorSubject(victim, images, labels).chosen(smoothing.pixels)
    return replace(result, gallery=pixel_items(result, data, found, frozenset(wanted)))


def beside_published(
    found: Certification, method: str | None, category: str | None
) -> Certification:
    """Return a certification with a paper's figures beside its own, see ``published_certified``."""
    rows = tuple(
        p._replace(published=published_certified(method, category, found.terms.sigma, p.radius))
        for p in found.rows
    )
    return replace(found, rows=rows)


@dataclass(frozen=True)
class _Copies:
    """What is made of the noisy copies of an image."""

    smoothed: Detector
    terms: Terms
    batch_size: int | None
    calibration: Calibration
    looks: Looks | None
    """Looks of early stopping; None scores all copies."""
    counted: bool
    """Whether the pixels above the threshold are counted."""

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensors:
        n, sigma = self.terms.n, self.terms.sigma
        if self.looks:
            threshold, scorer = self.calibration.threshold, detector_scorer(self.smoothed)
            made = decide(scorer, image, threshold, self.looks, generator, self.batch_size)
            return {"settled": torch.tensor([int(v) for v in made])}
        if not self.counted:
            scorer = detector_scorer(self.smoothed)
            return SampledScores(scorer, n, sigma, self.batch_size)(image, generator)
        counter = PixelCounter(detections(self.smoothed), self.calibration.map_threshold)
        scores = SampledScores(counter, n, sigma, self.batch_size)(image, generator)
        return scores | {"above": torch.from_numpy(counter.above).int()}


def own_detector(thing: Any, size: int) -> Detector:
    """Return whatever scores images as a detector, without asking for its gradient."""
    if is_anomalib(thing) and not isinstance(getattr(thing, "detector", None), Detector):
        return unchecked(thing, size)
    return as_detector(thing, size)


def prepare(
    detector: Detector, data: AnomalyData, sigma: float, design: str, seed: int = 0
) -> Detector:
    """Return what a design smooths; only the training normals are used, in eval mode.

    Raises:
        ValueError: an unknown design.
        TypeError: a design that the detector cannot have.
    """
    if design not in DESIGNS:
        raise ValueError(f"design={design!r} is not known; choose from {', '.join(DESIGNS)}")
    generator = torch.Generator(detector.device).manual_seed(seed)
    with in_mode("eval", detector):
        return DESIGNS[design](detector, data.train.images(), sigma, generator)


def _notes(data: AnomalyData, done: int, terms: Terms, early: bool) -> Iterator[str]:
    if done < len(data.test):
        yield f"Time ran out: {done} of {len(data.test)} test images were certified."
    yield from skipped(data)
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
