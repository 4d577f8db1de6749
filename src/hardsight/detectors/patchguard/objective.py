"""What PatchGuard is attacked on, in training and by its published protocol: the patches."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from hardsight.attacks.objectives.maps import balanced


def cell_labels(masks: Tensor, cell: int) -> Tensor:
    """Label cells (B, 1, h, w) by pixels (B, 1, H, W) bool: anomalous if any of its pixels is."""
    return masks if cell == 1 else F.max_pool2d(masks.float(), cell) > 0


class PatchObjective:
    """Raise the logits of normal patches, lower those of anomalous ones (PatchGuard, section L).

    The mean logit of an image's normal patches minus that of its anomalous ones: logits, no
    cross-entropy, whose gradient fades where a patch is flipped.

    Args:
        model: images (B, 3, H, W) in [0, 1] -> logits (B, 1, h, w).
        labels: (B, 1, h, w) bool, true = anomalous, of the images it will see, in order.
    """

    def __init__(self, model: Callable[[Tensor], Tensor], labels: Tensor) -> None:
        if labels.dtype != torch.bool or labels.ndim != 4:
            raise ValueError(f"labels must be (B, 1, h, w) bool, got {tuple(labels.shape)}")
        self.model, self.labels = model, labels

    def __call__(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return what is to be maximised, (B,), of images (B, 3, H, W)."""
        logits = self.model(images).to(images.dtype)
        if logits.shape != self.labels.shape:
            raise ValueError(
                f"logits are {tuple(logits.shape)} but labels {tuple(self.labels.shape)}; "
                "make the labels with cell_labels(masks, cell)"
            )
        return balanced(logits, self.labels, 1.0)
