"""CFlow: the likelihood of patches under flows that know their place."""

from typing import Any, Self

from hardsight.core.modules import seeded
from hardsight.core.precision import Choice
from hardsight.data import AnomalyData
from hardsight.detectors.fitted import Work
from hardsight.detectors.flows.cflow_density import CFlowDensity
from hardsight.detectors.flows.detector import FlowDetector
from hardsight.detectors.flows.fitting import fit_flow
from hardsight.detectors.method import FitConfig


class CFlow(FlowDetector):
    """Score patches by their density given their place (CFlow, Gudovskiy et al., 2022).

    Deterministic: there is no noise. The defaults are those of the preset ``cflow``.

    Args:
        backbone: arguments of ``hardsight.backbones.Backbone``; None: the bundled network, strides
            8, 16 and 32.
        image_size: height and width in pixels.
        blocks: couplings of a flow.
        condition: channels of the encoding of a place, a multiple of 4.
        sigma: of the Gaussian that smooths the map, in pixels; 0: none.
        top: share of the map's pixels whose mean is the score, see ``detect``; 0: the highest,
            as in the paper.
        precision: of the networks, see ``hardsight.core.precision``.
        seed: of the initial weights.
    """

    paper = "CFlow"

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        image_size: int = 256,
        blocks: int = 8,
        condition: int = 128,
        sigma: float = 4.0,
        top: float = 0.0,
        precision: Choice = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__(backbone, (2, 3, 4), image_size, sigma, top, precision, seed)
        channels, sides = self.backbone.channels, self.backbone.sides(image_size)
        with seeded(seed):
            self.density = CFlowDensity(channels, sides, blocks, condition)

    def fit(
        self, data: AnomalyData, config: FitConfig | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_flow``."""
        return fit_flow(self, data, config or FitConfig(), work or Work()).detector
