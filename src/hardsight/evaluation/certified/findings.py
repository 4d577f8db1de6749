"""What the samples of each image say of a test set: bounds, decisions, pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardsight.certify import (
    Decision,
    certified_radius,
    certify_pixels,
    largest_radius,
    linf_radius,
    per_image_alpha,
)
from hardsight.data import AnomalyData
from hardsight.evaluation.certified.plan import Terms
from hardsight.evaluation.certified.points import certified_points, settlings
from hardsight.evaluation.certified.results import Certification, PixelItem, Point, Settling
from hardsight.evaluation.certified.sampled import Sampled
from hardsight.metrics import auroc, certified_f1

CURVE_POINTS = 41
Labels = NDArray[np.bool_]


def bounded(
    found: Sampled, labels: Labels, terms: Terms, threshold: float, values: int
) -> dict[str, Any]:
    """Return the fields of a ``Certification`` that come of n scores an image.

    Args:
        found: "scores" (n,) of each image.
        labels: (N,) of these images.
        terms: what is certified.
        threshold: of the smoothed score.
        values: of an image, channels x height x width.
    """
    scores = found.column("scores", dim=1)
    medians = np.sort(scores, axis=0)[terms.rank - 1]
    decided = certified_radius(scores, threshold, **terms.bounds)
    return {
        "scores": scores,
        "medians": medians,
        "decisions": decided.decision,
        "radii": decided.radius,
        "rows": certified_points(scores, labels, terms.radii, terms, threshold, values),
        "curve": certified_points(
            scores, labels, _grid(terms, len(labels)), terms, threshold, values
        ),
        "clean": auroc(medians, labels),
        "clean_mean": auroc(scores.mean(0), labels),
        "settlings": settlings(scores, threshold, terms),
        "gallery": (),
    }


def _grid(terms: Terms, images: int) -> list[float]:
    """Return the curve's radii: as far as anything is asked or bounded, the ends drawn sharply."""
    alone = largest_radius(terms.n, **terms.bounds)
    joint = terms.bounds | {"alpha": per_image_alpha(terms.alpha, images)}
    ends = [e for e in (alone, largest_radius(terms.n, **joint)) if e > 0]
    sharp = [e * f for e in ends for f in (0.9999, 1.0001)]
    end = max([terms.radii[-1], *sharp])
    return sorted({*np.linspace(0, end, CURVE_POINTS).tolist(), *sharp})


def settled(found: Sampled, labels: Labels, radius: float, values: int) -> dict[str, Any]:
    """Return the fields that come of early stopping: decisions at one radius.

    Args:
        found: "settled" (3,) of each image: decision, samples, saved.
        labels: (N,) of these images.
        radius: at which decisions were settled.
        values: of an image.
    """
    decisions, samples, saved = found.column("settled").T
    # relative to a threshold of 0: all that is known of a score is its side, or nothing
    lower = np.where(decisions == Decision.ANOMALOUS, 1.0, -np.inf)[labels]
    upper = np.where(decisions == Decision.NORMAL, 0.0, np.inf)[~labels]
    certain = decisions != Decision.UNDECIDED
    return {
        "scores": np.empty((0, len(labels))),
        "medians": np.full(len(labels), np.nan),
        "decisions": decisions.astype(np.int8),
        "radii": np.where(certain, radius, np.nan),
        "rows": (Point(radius, linf_radius(radius, values), certified_f1(lower, upper, 0.0)),),
        "curve": (),
        "clean": None,
        "clean_mean": None,
        "settlings": (Settling(radius, int(certain.sum()), int(samples.sum()), int(saved.sum())),),
        "gallery": (),
    }


def pixel_items(
    found: Certification, data: AnomalyData, sampled: Sampled, wanted: frozenset[int]
) -> tuple[PixelItem, ...]:
    """Return the pixels of the test images ``wanted`` that were certified; anomalous ones first.

    Args:
        found: the certification without them.
        data: whose test set holds them.
        sampled: "above" (H, W) of each certified image.
        wanted: indices in the test set.
    """
    terms, done = found.terms, sampled.places
    reach = largest_radius(terms.n, **terms.bounds)
    items = []
    for place in sorted(range(len(done)), key=lambda p: (not found.labels[p], done[p])):
        if int(done[place]) not in wanted:
            continue
        item, above = data.test[int(done[place])], sampled.parts[place]["above"].numpy()
        items.append(
            PixelItem(
                name=found.names[place],
                anomalous=item.anomalous,
                image=item.image,
                mask=item.mask[0] if item.anomalous and item.mask is not None else None,
                median=float(found.medians[place]),
                decision=int(found.decisions[place]),
                radius=float(found.radii[place]),
                pixels={
                    r: certify_pixels(above, terms.n, r, **terms.bounds)
                    for r in terms.radii
                    if r <= reach
                },
            )
        )
    return tuple(items)
