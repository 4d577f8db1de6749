"""The pictures of a report: which test images, and what is drawn of each."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hardsight.data import AnomalyData
from hardsight.data.splits import evenly
from hardsight.detectors import Detector
from hardsight.evaluation.attacked import Attacked
from hardsight.evaluation.results import GalleryItem


def choose(labels: NDArray[np.bool_], count: int) -> frozenset[int]:
    """Return indices spread evenly over the anomalous and the normal images, half of each.

    By position alone, never by result: a gallery of the best would be an advertisement.
    """
    shown: list[int] = []
    for kind, n in ((True, (count + 1) // 2), (False, count // 2)):
        shown += evenly(np.flatnonzero(labels == kind), n)
    return frozenset(shown)


@torch.no_grad()
def pictures(
    detector: Detector,
    data: AnomalyData,
    indices: list[int],
    clean: Attacked,
    attacked: Attacked | None,
    seed: int,
) -> tuple[GalleryItem, ...]:
    """Draw the test images at ``indices``, anomalous ones first; one noise for clean and attacked.

    The scores are the means of the evaluation's fresh draws, not those of the drawn maps.
    """
    device = detector.device
    items = []
    for i in sorted(indices, key=lambda i: (not data.test.labels[i], i)):
        item = data.test[i]
        x = item.image[None].to(device)
        noise = detector.sample_noise(x, torch.Generator(device).manual_seed(seed))
        found = attacked.images.get(i) if attacked else None
        hit = found[None].to(device) if found is not None else None
        items.append(
            GalleryItem(
                name=data.test.names[i],
                anomalous=item.anomalous,
                image=item.image,
                attacked=found,
                reconstruction=_reconstruction(detector, x, noise),
                map_clean=detector(x, noise).anomaly_map[0, 0].cpu(),
                map_attacked=None if hit is None else detector(hit, noise).anomaly_map[0, 0].cpu(),
                mask=item.mask[0] if item.anomalous and item.mask is not None else None,
                score_clean=float(clean.scores[i].mean()),
                score_attacked=float(attacked.scores[i].mean())
                if attacked and hit is not None
                else None,
            )
        )
    return tuple(items)


def _reconstruction(detector: Detector, x: Tensor, noise: Tensor | None) -> Tensor | None:
    """(C, H, W) in [0, 1] for showing, None for a detector that does not reconstruct."""
    reconstruct = getattr(detector, "reconstruct", None)
    if reconstruct is None:
        return None
    shown: Tensor = reconstruct(x, noise)[0].mean(0).clamp(0, 1).cpu()
    return shown
