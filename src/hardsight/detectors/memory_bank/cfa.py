"""CFA: patches in features adapted to the spheres round normal ones."""

from typing import Any, Self

from torch import Tensor

from hardsight.core.counts import demand_whole
from hardsight.core.types import Detection
from hardsight.data import AnomalyData
from hardsight.detectors.fitted import Work
from hardsight.detectors.memory_bank.bank import Bank
from hardsight.detectors.memory_bank.cfa_fitting import CFAFit, fit_cfa
from hardsight.detectors.memory_bank.descriptor import Descriptor
from hardsight.detectors.memory_bank.patch_detector import PatchDetector


class CFA(PatchDetector):
    """Score patches by how near, and how surely so, a centre of normal ones is (Lee et al., 2022).

    A linear descriptor of pretrained features learns to put normal patches into spheres round
    centres, one for each place of the grid. Deterministic: there is no noise. The gradient is
    exact, through the whole network.

    Args:
        backbone: arguments of ``hardsight.backbones.Backbone``.
        image_size: height and width in pixels.
        stride, pool: see ``PatchGrid``.
        adapted: dimensions of the descriptor.
        neighbours: centres by which a patch is scored, K.
        sigma: of the Gaussian that smooths the map, in pixels.
        seed: of the descriptor's first weights.
    """

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        image_size: int = 256,
        stride: int = 8,
        pool: int = 3,
        adapted: int = 176,
        neighbours: int = 3,
        sigma: float = 4.0,
        seed: int = 0,
    ) -> None:
        super().__init__(backbone, image_size, stride, pool, sigma)
        self.neighbours = neighbours
        places = self.grid.side**2
        if not 1 <= neighbours <= places:
            raise ValueError(f"neighbours must be 1 to {places}, the centres, got {neighbours}")
        demand_whole(1, adapted=adapted)
        self.descriptor = Descriptor(self.grid.side, self.dims, adapted, seed)
        self.centres = Bank(places, adapted)

    def distances(self, patches: Tensor, count: int) -> Tensor:
        """Return the distances (B * P, count) of pretrained vectors to their nearest centres."""
        rows = self.descriptor(patches).flatten(0, 1)
        return self.centres.distances(rows, self.centres.nearest(rows, count))

    def forward(self, images: Tensor, noise: Tensor | None = None) -> Detection:
        """Score a batch by the largest value of its map (CFA, eq. 6).

        A patch's value is its distance to the nearest centre, times the share of that centre in
        the softmin over the K nearest.

        Shape:
            images (B, 3, image_size, image_size) in [0, 1]; ``noise`` is not used.
        """
        away = self.distances(self.embed(images), self.neighbours)
        values = away[:, 0] * (-away).softmax(1)[:, 0]
        maps = self.drawn(values.view(len(images), -1))
        return Detection(maps.flatten(1).amax(1), maps)

    def fit(
        self, data: AnomalyData, config: CFAFit | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_cfa``."""
        return fit_cfa(self, data, config or CFAFit(), work or Work()).detector
