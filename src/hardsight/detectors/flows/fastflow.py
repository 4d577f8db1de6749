"""FastFlow: the likelihood of features under two-dimensional flows."""

from typing import Any, Self

from hardsight.core.modules import seeded
from hardsight.core.precision import Choice
from hardsight.data import AnomalyData
from hardsight.detectors.fitted import Work
from hardsight.detectors.flows.detector import FlowDetector
from hardsight.detectors.flows.fastflow_density import FastFlowDensity
from hardsight.detectors.flows.fitting import fit_flow
from hardsight.detectors.method import FitConfig


class FastFlow(FlowDetector):
    """Score features by their density under a flow of each level (FastFlow, Yu et al., 2021).

    Deterministic: there is no noise. The defaults are those of the preset ``fastflow``.

    Args:
        backbone: arguments of ``hardsight.backbones.Backbone``; None: the bundled network, strides
            4, 8 and 16.
        image_size: height and width in pixels.
        blocks: couplings of a flow.
        hidden_ratio: channels of a subnetwork, over those of its input.
        sigma: of the Gaussian that smooths the map, in pixels; 0: none.
        top: share of the map's pixels whose mean is the score, see ``detect``; 0: the highest,
            as in the paper.
        precision: of the networks, see ``hardsight.core.precision``.
        seed: of the initial weights.
    """

    paper = "FastFlow"

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        image_size: int = 256,
        blocks: int = 8,
        hidden_ratio: float = 1.0,
        sigma: float = 4.0,
        top: float = 0.0,
        precision: Choice = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__(backbone, (1, 2, 3), image_size, sigma, top, precision, seed)
        with seeded(seed):
            self.density = FastFlowDensity(self.backbone.channels, blocks, hidden_ratio)

    def fit(
        self, data: AnomalyData, config: FitConfig | None = None, work: Work | None = None
    ) -> Self:
        """Return this detector fitted to normal images; see ``fit_flow``."""
        return fit_flow(self, data, config or FitConfig(), work or Work()).detector
