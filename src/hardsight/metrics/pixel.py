"""Pixel-level metrics: how well anomaly maps find the defects. Exact: every pixel, every threshold.

Maps and masks are (N, H, W) or (N, 1, H, W); the pixels of all images are pooled.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from hardsight.metrics.checks import Bools, Floats, binary, finite
from hardsight.metrics.image import rank_auroc


def stacks(maps: ArrayLike, masks: ArrayLike) -> tuple[Floats, Bools]:
    """Return maps and masks as (N, H, W) once they are fit to be compared.

    Raises:
        ValueError: wrong shapes, values that are not finite, or masks all empty or all full.
    """
    a, m = finite(maps, "maps"), binary(masks, "masks")
    if a.shape != m.shape or a.ndim not in (3, 4) or (a.ndim == 4 and a.shape[1] != 1):
        raise ValueError(
            "maps and masks must both have shape (N, H, W) or (N, 1, H, W), "
            f"got {a.shape} and {m.shape}; resize the maps to the masks, not the masks to the maps"
        )
    for present, missing in ((m.any(), "defect"), ((~m).any(), "normal")):
        if not present:
            raise ValueError(
                f"masks holds no {missing} pixel in {m.shape[0]} image(s): localisation cannot be "
                f"measured; give images with {missing} pixels"
            )
    shape = (a.shape[0], *a.shape[-2:])
    return a.reshape(shape), m.reshape(shape)


def pixel_auroc(maps: ArrayLike, masks: ArrayLike) -> float:
    """Return the AUROC over all pixels of all images pooled, in [0, 1]; ties count half."""
    a, m = stacks(maps, masks)
    return rank_auroc(a[m], np.sort(a[~m]))


def pixel_average_precision(maps: ArrayLike, masks: ArrayLike) -> float:
    """Average precision over all pixels of all images pooled, in [0, 1]."""
    from sklearn import metrics as sk  # slow to import: not before it is needed

    a, m = stacks(maps, masks)
    return float(sk.average_precision_score(m.ravel(), a.ravel()))


def region_weights(masks: Bools) -> Floats:
    """Return (N, H, W): 1 / (pixels of the region x number of regions) inside defects, else 0.

    A region is an 8-connected component of one image's mask; the weights sum to 1.
    """
    in_plane = np.zeros((3, 3, 3), dtype=bool)
    in_plane[1] = True  # 8 neighbours in the image, none in the images beside it
    regions, count = ndimage.label(masks, structure=in_plane)
    sizes = np.bincount(regions.ravel(), minlength=count + 1).astype(np.float64)
    weights: Floats = np.append(0.0, 1.0 / (sizes[1:] * count))[regions]
    return weights


def aupro(maps: ArrayLike, masks: ArrayLike, limit: float = 0.3) -> float:
    """Integrate the per-region overlap (Bergmann et al., MVTec AD, IJCV 2021, section 5).

    Per-region overlap: the share of a defect region's pixels above the threshold, averaged over
    all regions of all images, so that a small defect weighs as much as a large one. It is drawn
    against the false-positive rate of all normal pixels (those of good images too) for *every*
    threshold, from (0, 0); pixels of equal value enter together, by a straight line. The area up
    to ``limit`` is the exact trapezoid sum, its last piece interpolated at ``limit``, divided by
    ``limit``: 0 to 1, and ``limit`` / 2 for maps that know nothing.

    Args:
        maps: (N, H, W) or (N, 1, H, W), higher is more anomalous.
        masks: the same shape, bool or 0 / 1.
        limit: largest false-positive rate, in (0, 1].

    Raises:
        ValueError: as ``stacks``, or a limit outside (0, 1].
    """
    if not 0.0 < limit <= 1.0:
        raise ValueError(f"limit must be in (0, 1], got {limit}; papers use 0.3")
    a, m = stacks(maps, masks)
    weights = region_weights(m)
    normal = a[~m]
    needed = min(int(limit * normal.size) + 1, normal.size)  # false positives to pass the limit
    cut = np.partition(normal, normal.size - needed)[normal.size - needed]
    keep = a >= cut
    values, gain, false = a[keep], weights[keep], ~m[keep]
    order = np.argsort(-values)
    values, gain, false = values[order], gain[order], false[order]
    ends = np.append(np.flatnonzero(values[:-1] > values[1:]), values.size - 1)
    fpr = np.append(0.0, np.cumsum(false)[ends] / normal.size)
    overlap = np.minimum(np.append(0.0, np.cumsum(gain)[ends]), 1.0)
    inside = int(np.searchsorted(fpr, limit, "right"))
    if inside < fpr.size:  # fpr[inside - 1] <= limit < fpr[inside]
        share = (limit - fpr[inside - 1]) / (fpr[inside] - fpr[inside - 1])
        at_limit = overlap[inside - 1] + share * (overlap[inside] - overlap[inside - 1])
        fpr = np.append(fpr[:inside], limit)
        overlap = np.append(overlap[:inside], at_limit)
    area = np.diff(fpr) @ (overlap[1:] + overlap[:-1]) / 2
    return float(min(area / limit, 1.0))
