"""A test set of good parts and synthetic defects, where no real defects are at hand."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.data import AnomalyData, ImageSet
from hardsight.data.splits import evenly
from hardsight.synthesis import pseudo_anomalies

SEVERITIES = (0.3, 1.0)
"""Range of the severity of synthetic defects."""


class SyntheticTest(NamedTuple):
    """Good parts, and a copy of each with a synthetic defect."""

    images: Tensor
    """(N, 3, H, W) float in [0, 1], the good parts first."""
    labels: NDArray[np.bool_]
    masks: Tensor
    """(N, 1, H, W) bool."""
    names: tuple[str, ...]
    note: str
    """What a reader must know of it."""


def demand_defects(data: AnomalyData) -> NDArray[np.bool_]:
    """Return the labels (N,) of a test set with both good parts and defects.

    Raises:
        ValueError: one of the two is missing; the message says what can be done.
    """
    labels = data.test.labels
    if len(labels) and labels.any() and not labels.all():
        return labels
    missing = "normal" if len(labels) and labels.all() else "anomalous"
    raise ValueError(
        f"the test set of {data.name} has no {missing} image, and AUROC compares the two. What can "
        "be done: evaluate(..., synthetic=True) measures false alarms and synthetic defects on "
        "good parts that training never saw, attacked too; audit(..., synthetic=True) checks the "
        "attacks on the same images; or add test images of both labels"
    )


def synthetic_defects(data: AnomalyData, seed: int = 0) -> SyntheticTest:
    """Make a test set of the good parts of the test set, or of the validation set without any.

    Args:
        data: training images are not used.
        seed: of the defects.

    Raises:
        ValueError: there are no good parts.
    """
    part, held_out = unseen(data)
    places = np.flatnonzero(~part.labels)
    if len(places) == 0:
        raise ValueError(f"{data.name} has no good parts besides those of training; hold some out")
    normals = part.images()[torch.from_numpy(places)]
    made = pseudo_anomalies(normals, 1, SEVERITIES, torch.Generator().manual_seed(seed))
    names = [part.names[i] for i in places]
    where = "the test set" if held_out else "validation, on which the threshold was set too"
    return SyntheticTest(
        images=made.images,
        labels=made.labels.numpy(),
        masks=made.masks,
        names=(*names, *(f"{name}, with a synthetic defect" for name in names)),
        note=f"The defects are synthetic, on {len(names)} good parts of {where}: real defects may "
        "be found more rarely, or more often.",
    )


def with_fewer_good_parts(data: AnomalyData, count: int) -> AnomalyData:
    """Return the data set that ``synthetic_defects`` makes at most ``count`` images of, at least 2.

    The good parts are spread evenly, by position.
    """
    part, held_out = unseen(data)
    places = np.flatnonzero(~part.labels)
    few = part.take(evenly(places, count // 2))
    return replace(data, test=few) if held_out else replace(data, validation=few)


def unseen(data: AnomalyData) -> tuple[ImageSet, bool]:
    """Return the set whose good parts get synthetic defects, and whether it is the test set."""
    in_test = bool((~data.test.labels).any())
    return (data.test, True) if in_test else (data.validation, False)
