"""The density of normal features at every patch, and the anomalies that it tells."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hardsight.core.types import Detection
from hardsight.detectors.enlargement import Enlargement
from hardsight.detectors.flows.coupling import Flow
from hardsight.detectors.highest import highest_mean


class Density(nn.Module, ABC):
    """Model the features of normal images, levels (B, C_i, h_i, w_i) of them, by a flow each."""

    flows: nn.ModuleList

    def prepared(self, level: Tensor) -> Tensor:
        """Return a level of features as its flow takes it."""
        return level

    def start(self, levels: Sequence[Tensor]) -> None:
        """Set first weights, in place, from features of some training images (Glow, sec. 3.1)."""
        for flow, level in zip(self.flows, levels, strict=True):
            cast(Flow, flow).norm.start(self.prepared(level))

    @abstractmethod
    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Return the log-density of every patch, a channel's mean: (B, 1, h_i, w_i) each."""

    @abstractmethod
    def loss(self, levels: Sequence[Tensor]) -> Tensor:
        """Return what training minimises, the mean over the images of a batch."""

    def compare_with(self, batches: Iterable[Sequence[Tensor]]) -> None:
        """Set, in place, what levels are compared by, from the features of the training images.

        Called once trained. Here nothing is.

        Args:
            batches: levels of features each.
        """


def demand_top(top: float) -> float:
    """Return what ``detect`` calls ``top`` if it is a share.

    Raises:
        ValueError: it is outside [0, 1].
    """
    if not 0 <= top <= 1:
        raise ValueError(f"top must be a share of the pixels in [0, 1], got {top}")
    return top


def detect(log_densities: Sequence[Tensor], enlarged: Enlargement, top: float) -> Detection:
    """Score images by the patches that are least likely.

    A patch's anomaly is the negative logarithm of its mean density over the levels. The papers take
    the mean density itself, from its maximum down: patches are in the same order, but far from
    normal theirs saturates, and no gradient is left.

    Args:
        log_densities: (B, 1, h_i, w_i) of each level, the finest first.
        enlarged: from its grid to pixels.
        top: share of the map's pixels, the highest, whose mean is the score; 0: the highest alone.
    """
    size = log_densities[0].shape[-2:]
    finest = [
        F.interpolate(level, size, mode="bilinear", align_corners=False) for level in log_densities
    ]
    mean = torch.cat(finest, 1).logsumexp(1, keepdim=True) - math.log(len(finest))
    maps = enlarged(-mean)
    return Detection(highest_mean(maps, top), maps)
