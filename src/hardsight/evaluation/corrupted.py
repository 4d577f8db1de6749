"""A subject on images that a common corruption changed (Hendrycks & Dietterich, 2019)."""

from collections.abc import Iterator, Sequence
from statistics import mean
from typing import TypeVar

import torch

from hardsight.core.noise import Noise
from hardsight.evaluation.attacked import Attacked
from hardsight.evaluation.decisions import decided, shares
from hardsight.evaluation.plan import Protocol
from hardsight.evaluation.results import Corrupted, Curve, Estimate
from hardsight.evaluation.rows import main_figure
from hardsight.evaluation.subjects import Subject
from hardsight.synthesis.corruptions.corruptions import (
    CORRUPTIONS,
    FAMILIES,
    SEVERITIES,
    corrupt,
)

Corruption = tuple[str, int]
"""A key of ``CORRUPTIONS``, and a severity; 0 leaves images alone."""
S = TypeVar("S", bound=Subject)


def corruptions(severities: Sequence[int]) -> list[Corruption]:
    """Return every corruption at every severity.

    Raises:
        ValueError: a severity that there is not.
    """
    if unknown := sorted(set(severities) - set(SEVERITIES)):
        raise ValueError(f"corruptions must be severities of 1 to 5, got {unknown[0]!r}")
    return [(name, severity) for name in CORRUPTIONS for severity in sorted(severities)]


def corrupted(subject: S, corruption: Corruption, protocol: Protocol) -> S:
    """Return a subject with corrupted images, on the same random numbers at all severities.

    Args:
        subject: of images as they are stored, at the size the model takes.
        corruption: which, and how severe.
        protocol: seed and batch size, which decide the randomness.
    """
    (name, severity), noise = corruption, Noise(protocol.seed, torch.device("cpu"))
    size = protocol.batch_size
    parts = [
        corrupt(subject.images[i : i + size], name, severity, noise.generator(name, i))
        for i in range(0, len(subject), size)
    ]
    return subject.with_images(torch.cat(parts))


def observed(
    subject: Subject, corruption: Corruption, done: Attacked, clean: Estimate
) -> Corrupted:
    """Return what a corruption did to a subject.

    Args:
        subject: of the truth, and the threshold.
        corruption: which.
        done: outputs for all its images, corrupted.
        clean: the main figure of the images left alone.
    """
    figure = main_figure(subject, done)
    change = figure.value - clean.value
    return Corrupted(*corruption, figure, change, decided(subject, done))


def corruption_curves(found: Sequence[Corrupted], alone: Corrupted) -> Iterator[Curve]:
    """Yield curves against severity: of the figure by family, and of the decisions over all.

    Args:
        found: by corruption, then severity.
        alone: the images left alone, at severity 0.
    """
    for family, names in FAMILIES.items():
        of_each = {name: [alone, *(c for c in found if c.corruption == name)] for name in names}
        lines = {
            name.replace("_", " "): tuple((float(c.severity), c.figure) for c in points)
            for name, points in of_each.items()
            if len(points) > 1
        }
        if lines:
            caption = f"Corruptions of the family {family}; at 0 the images are left alone."
            yield Curve(f"Corruptions: {family}", "severity", lines, caption)
    for measure in shares(alone.decisions) if alone.decisions else ():
        lines = {
            family: _averaged([c for c in found if c.corruption in names], alone, measure)
            for family, names in FAMILIES.items()
        }
        caption = (
            f"{measure.capitalize()} at the calibrated threshold as a share, averaged over the "
            "corruptions of each family; at 0 the images are left alone."
        )
        yield Curve(f"Corruptions: {measure}", "severity", lines, caption, measure)


def _averaged(
    found: Sequence[Corrupted], alone: Corrupted, measure: str
) -> tuple[tuple[float, Estimate], ...]:
    """Return a share of decisions against severity, averaged over corruptions."""
    points = []
    for severity in sorted({c.severity for c in (alone, *found)}):
        same = [c.decisions for c in (alone, *found) if c.severity == severity and c.decisions]
        value = mean(shares(counted)[measure].value for counted in same)
        points.append((float(severity), Estimate(value, value, value)))
    return tuple(points)
