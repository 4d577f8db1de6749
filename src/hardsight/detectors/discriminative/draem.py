"""DRAEM: reconstruct an image, and tell where it differs from what it should look like."""

from typing import Literal, Self

import torch.nn.functional as F
from torch import Tensor

from hardsight.core.counts import demand_whole
from hardsight.core.modules import seeded
from hardsight.core.precision import Choice, autocast
from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors.discriminative.draem_fitting import DRAEMFit, fit_draem
from hardsight.detectors.discriminative.draem_network import DRAEMNetwork
from hardsight.detectors.fitted import Work
from hardsight.detectors.mean_filter import demand_filter
from hardsight.detectors.saved import SavedDetector


class DRAEM(SavedDetector):
    """Judge every pixel by the image beside its reconstruction (Zavrtanik et al., 2021).

    Both networks learn from normal images with synthetic anomalies. Deterministic: there is no
    noise. The defaults are those of the preset ``draem``, sized for CPUs; ``draem-paper`` holds the
    paper's values.

    Args:
        image_size: height and width in pixels, a multiple of ``patch * 2**levels``.
        reconstructive, discriminative, levels, patch: see ``DRAEMNetwork``.
        filter_size: side of the map's mean filter in pixels, odd; the score is its maximum.
        evidence: what a pixel adds to the map. "probability" is that of being anomalous, as in the
            paper; "surprisal" is -log of that of being normal, which ranks pixels alike and has a
            gradient where the probability has come to 1.
        precision: "bf16" runs the networks under bfloat16 autocast, "fp32" does not, "auto" does
            where this machine gains by it.
        seed: of the initial weights.
    """

    exportable = True

    def __init__(
        self,
        image_size: int = 256,
        reconstructive: int = 48,
        discriminative: int = 48,
        levels: int = 3,
        patch: int = 4,
        filter_size: int = 21,
        evidence: Literal["surprisal", "probability"] = "surprisal",
        precision: Choice = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__()
        demand_whole(1, reconstructive=reconstructive, discriminative=discriminative, patch=patch)
        demand_whole(0, levels=levels)
        if image_size % (patch * 2**levels):
            raise ValueError(
                f"image_size={image_size} is not a multiple of patch * 2**levels = "
                f"{patch * 2**levels}"
            )
        if evidence not in ("surprisal", "probability"):
            raise ValueError(f'evidence must be "surprisal" or "probability", got {evidence!r}')
        demand_filter(filter_size)
        self.image_size, self.precision = image_size, precision
        self.filter_size, self.evidence = filter_size, evidence
        with seeded(seed):
            self.network = DRAEMNetwork(reconstructive, discriminative, levels, patch)

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch by the largest value of its map.

        Shape:
            images (B, 3, image_size, image_size) in [0, 1]; ``noise`` is not used.
        """
        with autocast(self.precision, images.device):
            _, logits = self.network(images)
        logits = logits.to(images.dtype)
        evidence = F.softplus(logits) if self.evidence == "surprisal" else logits.sigmoid()
        size, half = self.filter_size, self.filter_size // 2
        rows = F.avg_pool2d(evidence, (1, size), 1, (0, half))
        maps = F.avg_pool2d(rows, (size, 1), 1, (half, 0))  # no running sums: evidence may be tiny
        return Detection(maps.flatten(1).amax(1), maps)

    def fit(
        self, data: AnomalyData, config: DRAEMFit | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_draem``."""
        return fit_draem(self, data, config or DRAEMFit(), work or Work()).detector
