"""Pseudo-anomalies: normal images beside defective copies of themselves."""

from typing import NamedTuple

import torch
from torch import Generator, Tensor

from hardsight.synthesis.defects import add_defect
from hardsight.synthesis.foreground import foreground
from hardsight.synthesis.shapes import uniform


class PseudoAnomalies(NamedTuple):
    """Validation data with known labels, of which no test image knows."""

    images: Tensor
    """(N (1 + D), 3, H, W) float in [0, 1]: the N normals, then D rounds of a defective copy of
    each, in the normals' order."""
    labels: Tensor
    """(N (1 + D),) bool, true = defective."""
    masks: Tensor
    """(N (1 + D), 1, H, W) bool."""

    def first(self, rounds: int) -> "PseudoAnomalies":
        """Return the normals with only the first ``rounds`` copies of each."""
        n = int((~self.labels).sum()) * (1 + rounds)
        return PseudoAnomalies(self.images[:n], self.labels[:n], self.masks[:n])


def pseudo_anomalies(
    normals: Tensor, copies: int, severities: tuple[float, float], generator: Generator
) -> PseudoAnomalies:
    """Put a defect on copies of each normal image, on the object where there is one.

    Args:
        normals: (N, 3, H, W) uint8.
        copies: defective copies of each, at least 1.
        severities: range they are drawn from, within (0, 1].
        generator: of defects, places and severities.

    Raises:
        UnseenError: an image so even that no defect shows on it.
    """
    low, high = severities
    if copies < 1 or not 0 < low <= high <= 1:
        raise ValueError(
            f"need copies >= 1 and severities 0 < low <= high <= 1, got {copies}, {severities}"
        )
    x, where = normals.float() / 255, foreground(normals)
    defective, masks = [], []
    for _ in range(copies):
        for image, place in zip(x, where, strict=True):
            severity = uniform(generator, low, high)
            shown, mask, _ = add_defect(image, generator, severity=severity, foreground=place)
            defective.append(shown)
            masks.append(mask)
    return PseudoAnomalies(
        images=torch.cat([x, torch.stack(defective)]),
        labels=torch.arange(len(x) * (1 + copies)) >= len(x),
        masks=torch.cat([torch.zeros_like(where), torch.stack(masks)]),
    )
