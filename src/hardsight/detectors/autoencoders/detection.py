"""From reconstruction errors to a score and a map."""

from torch import Tensor

from hardsight.core.types import Detection
from hardsight.detectors.mean_filter import inner_mean_filter


def squared_error(images: Tensor, r: Tensor) -> Tensor:
    """Return the squared error of reconstructions, averaged over channels.

    Shape:
        images, r: (B, C, H, W) -> (B, 1, H, W).
    """
    return (images - r).square().mean(1, keepdim=True)


def detect(errors: Tensor, filter_size: int) -> Detection:
    """Score error maps (B, 1, H, W) by their mean, as the papers do, and filter them to maps."""
    return Detection(errors.flatten(1).mean(1), inner_mean_filter(errors, filter_size))
