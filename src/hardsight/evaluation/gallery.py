"""The pictures of a report: what is shown of the images that were chosen."""

from collections.abc import Sequence

import torch
from torch import Tensor

from hardsight.core.capabilities import Purifying, Reconstructing
from hardsight.data.labelled import class_name
from hardsight.detectors import Detector
from hardsight.evaluation.attacked import Attacked
from hardsight.evaluation.results import ClassifiedItem, GalleryItem, Row
from hardsight.evaluation.subjects import ClassifierSubject, DetectorSubject, Subject
from hardsight.evaluation.wording import radius


def attack_of(row: Row | None) -> str:
    """Return the attack of a row's pictures in words, e.g. "pgd, L-inf 2/255"; no row: nothing."""
    return f"{row.suite}, {radius(row.norm, row.eps)}" if row else ""


@torch.no_grad()
def detector_items(
    subject: DetectorSubject,
    indices: Sequence[int],
    clean: Attacked,
    attacked: Attacked | None,
    seed: int,
) -> tuple[GalleryItem, ...]:
    """Draw test images under a detector, anomalous ones first; one noise for clean and attacked.

    The scores are those that are decided by or, without a threshold, the means of the fresh draws.
    """
    items = []
    for i in sorted(indices, key=lambda i: (not subject.truth[i], i)):
        x, hit, noise = _pair(subject, i, attacked, seed)
        items.append(
            GalleryItem(
                name=subject.names[i],
                anomalous=bool(subject.truth[i]),
                image=x[0].cpu(),
                attacked=None if hit is None else hit[0].cpu(),
                reconstruction=_rebuilt(subject.model, x, noise),
                map_clean=subject.model(x, noise).anomaly_map[0, 0].cpu(),
                map_attacked=None
                if hit is None
                else subject.model(hit, noise).anomaly_map[0, 0].cpu(),
                mask=subject.mask(i),
                score_clean=_score(clean, i),
                score_attacked=_score(attacked, i) if attacked and hit is not None else None,
            ).within(subject.files.window(i) if subject.files else None)
        )
    return tuple(items)


@torch.no_grad()
def classifier_items(
    subject: ClassifierSubject,
    indices: Sequence[int],
    clean: Attacked,
    attacked: Attacked | None,
    seed: int,
) -> tuple[ClassifiedItem, ...]:
    """Draw test images under a classifier; one noise for clean and attacked."""

    def purified(x: Tensor | None, noise: Tensor | None) -> Tensor | None:
        if x is None or not isinstance(subject.model, Purifying):
            return None
        return subject.model.purify(x, noise)[0, 0].clamp(0, 1).cpu()

    items = []
    for i in indices:
        x, hit, noise = _pair(subject, i, attacked, seed)
        items.append(
            ClassifiedItem(
                label=subject.classes[int(subject.truth[i])],
                image=x[0].cpu(),
                attacked=None if hit is None else hit[0].cpu(),
                purified=purified(x, noise),
                purified_attacked=purified(hit, noise),
                said_clean=class_name(subject.classes, int(clean.mean[i])),
                said_attacked=class_name(subject.classes, int(attacked.mean[i]))
                if attacked and hit is not None
                else None,
            )
        )
    return tuple(items)


def _score(done: Attacked, index: int) -> float:
    return float((done.mean if done.decided is None else done.decided)[index])


def _pair(
    subject: Subject, index: int, attacked: Attacked | None, seed: int
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Return an image, the attacked one in its place if there is one, and a noise for both."""
    x = subject.batch(index, 1)
    found = attacked.images.get(index) if attacked else None
    noise = subject.sample_noise(x, torch.Generator(x.device).manual_seed(seed))
    return x, None if found is None else found[None].to(x.device), noise


def _rebuilt(detector: Detector, x: Tensor, noise: Tensor | None) -> Tensor | None:
    """Return what a detector makes of an image (1, C, H, W): the mean of its draws, (C, H, W)."""
    if isinstance(detector, Reconstructing):
        made = detector.reconstruct(x, noise)
    elif isinstance(detector, Purifying):
        made = detector.purify(x, noise)
    else:
        return None
    return made[0].mean(0).clamp(0, 1).cpu()
