"""PatchCore: how far the patches of an image are from those of normal images."""

from typing import Any, Literal, Self

import torch
from torch import Tensor

from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors.fitted import Work
from hardsight.detectors.memory_bank.bank import Bank, Search
from hardsight.detectors.memory_bank.patch_detector import PatchDetector
from hardsight.detectors.memory_bank.patchcore_fitting import CoresetFit, fit_patchcore


class PatchCore(PatchDetector):
    """Score patches by their distance to a coreset of normal ones (Roth et al., 2022).

    Deterministic: there is no noise. Nothing is trained. The gradient of the score and of the map
    is exact, through the whole network. The defaults are those of the preset ``patchcore``.

    Args:
        backbone: arguments of ``hardsight.backbones.Backbone``.
        image_size: height and width in pixels.
        stride, pool: see ``PatchGrid``.
        bank: vectors of the coreset; fewer where there are fewer candidates.
        neighbours: vectors of the bank by which the score is reweighted (eq. 7); 1: by none.
        score: what is reweighted: "map", the largest value of the anomaly map, or "patch", the
            largest distance of a patch, as in the paper (eq. 6).
        sigma: of the Gaussian that smooths the map, in pixels.
        search: of the nearest vector, see ``Search``: "faiss" (extra ``faiss``) pays from some
            10,000 vectors on, and may miss the nearest.
    """

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        image_size: int = 256,
        stride: int = 8,
        pool: int = 3,
        bank: int = 4000,
        neighbours: int = 9,
        score: Literal["map", "patch"] = "map",
        sigma: float = 4.0,
        search: Search = "exact",
    ) -> None:
        if score not in ("map", "patch"):
            raise ValueError(f'score must be "map" or "patch", got {score!r}')
        if neighbours < 1:
            raise ValueError(f"neighbours must be at least 1, got {neighbours}")
        super().__init__(backbone, image_size, stride, pool, sigma)
        self.neighbours, self.score = neighbours, score
        self.bank = Bank(bank, self.dims, search)

    @property
    def settings(self) -> dict[str, Any]:
        """The constructor's arguments, with the size that the bank has."""
        return super().settings | {"bank": len(self.bank)}

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch by its most distant patch.

        Shape:
            images (B, 3, image_size, image_size) in [0, 1]; ``noise`` is not used.
        """
        patches = self.embed(images)
        rows = patches.flatten(0, 1)
        nearest = self.bank.nearest(rows)
        distances = self.bank.distances(rows, nearest).view(len(images), -1)
        maps = self.drawn(distances)
        peak, where = distances.max(1)
        if self.score == "map":
            peak = maps.flatten(1).amax(1)
        each = torch.arange(len(images), device=images.device)
        closest = nearest.view(len(images), -1)[each, where]
        return Detection(peak * self.weight(patches[each, where], closest), maps)

    def weight(self, patches: Tensor, closest: Tensor) -> Tensor:
        """Return the weight of a score: high where the bank knows little (PatchCore, eq. 7).

        Args:
            patches: (B, D) the most distant patch of each image, m_test.
            closest: (B,) the index of its nearest vector, m*.

        Returns:
            (B,): 1 - exp |m_test - m*| / sum of exp |m_test - m| over the vectors m nearest to m*.
        """
        count = min(self.neighbours, len(self.bank))
        if count == 1:
            return torch.ones_like(patches[:, 0])
        around = self.bank.nearest(self.bank.vectors[closest], count)
        shares = self.bank.distances(patches, around).softmax(1)
        return 1 - torch.where(around == closest[:, None], shares, 0).sum(1)

    def fit(
        self, data: AnomalyData, config: CoresetFit | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_patchcore``."""
        return fit_patchcore(self, data, config or CoresetFit(), work or Work()).detector
