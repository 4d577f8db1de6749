"""Dinomaly: a plain transformer finds features again, loosely and behind noise."""

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor

from hardsight.backbones import build_backbone, patch_features
from hardsight.core.modules import seeded
from hardsight.core.precision import Choice, autocast
from hardsight.data import AnomalyData
from hardsight.detectors.distillation.distances import DistanceScoring, FeatureDistance
from hardsight.detectors.distillation.fitting import MinedFit, fit_mined_student
from hardsight.detectors.distillation.noisy_decoder import NoisyDecoder
from hardsight.detectors.distillation.student_teacher import MinedStudentTeacher
from hardsight.detectors.distillation.teacher import level_sides
from hardsight.detectors.fitted import Work


class Dinomaly(MinedStudentTeacher):
    """Score where a transformer does not find grid features again (after Guo et al., 2025).

    The paper's backbone is a DINOv2 ViT, e.g. ``{"name": "vit_base_patch14_reg4_dinov2.lvd142m",
    "weights": "hub", "taps": [2, 3, 4, 5, 6, 7, 8, 9], "options": {"img_size": 392}}`` with
    ``image_size=392``; the class token takes no part here. Any other backbone does: its features
    come to one grid, and where their channels differ each scale is found again by itself.
    Deterministic: there is no noise. The defaults are those of the preset ``dinomaly``.

    Args:
        backbone: the teacher, arguments of ``hardsight.backbones.Backbone``.
        image_size: height and width in pixels, a multiple of the largest stride.
        groups: taps whose features are averaged before they are compared, counted from 0; None:
            the first half and the second where all have the same channels, else each alone.
        width: of the tokens; where all features have the same channels, that of these.
        depth: blocks of the decoder.
        heads: of its attention.
        dropout: the noise of the bottleneck.
        sigma: of the map, see ``DistanceScoring``.
        top: share of the pixels that is the score, see ``DistanceScoring``.
        precision: "bf16" runs the networks under bfloat16 autocast, trained ones too, "fp32" does
            not, "auto" does where this machine gains by it.
        seed: of the first weights.
    """

    paper = "Dinomaly"

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        image_size: int = 256,
        groups: Sequence[Sequence[int]] | None = None,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
        dropout: float = 0.2,
        sigma: float = 4.0,
        top: float = 0.01,
        precision: Choice = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.image_size, self.precision = image_size, precision
        self.teacher = build_backbone(backbone, precision=precision)
        channels = self.teacher.channels
        self.groups = demand_groups(groups, channels)
        self.side = max(level_sides(self.teacher, image_size))
        with seeded(seed):
            self.student = NoisyDecoder(
                [channels[group[0]] for group in self.groups],
                channels[0] if len(set(channels)) == 1 else width,
                depth,
                heads,
                dropout,
            )
        scoring = DistanceScoring(sigma=sigma, top=top)
        self.distance = FeatureDistance([self.side] * len(self.groups), image_size, scoring)

    def features(self, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return the teacher's features of a batch on one grid, by groups, and the decoder's."""
        levels = [patch_features([x], self.side, pool=1) for x in self.teacher(images)]
        expected = [torch.stack([levels[i] for i in group]).mean(0) for group in self.groups]
        with autocast(self.precision, images.device):
            found = self.student(expected)
        return expected, [level.to(images.dtype) for level in found]

    def fit(
        self, data: AnomalyData, config: MinedFit | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_mined_student``."""
        return fit_mined_student(self, data, config or MinedFit(), work or Work()).detector


def demand_groups(
    groups: Sequence[Sequence[int]] | None, channels: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    """Return which features are averaged, see ``Dinomaly``.

    Args:
        groups: asked for; None: the default.
        channels: of the features.

    Raises:
        ValueError: an empty group, a tap that there is not, or channels that differ in a group.
    """
    count = len(channels)
    if groups is None:
        if len(set(channels)) > 1 or count == 1:
            return tuple((i,) for i in range(count))
        return tuple(range(count // 2)), tuple(range(count // 2, count))
    found = tuple(tuple(group) for group in groups)
    for group in found or ((),):
        inside = all(0 <= i < count for i in group)
        if not group or not inside or len({channels[i] for i in group}) > 1:
            raise ValueError(
                f"groups={[list(g) for g in found]} must each name some of the {count} taps, from "
                f"0, with the same channels, which are {list(channels)}"
            )
    return found
