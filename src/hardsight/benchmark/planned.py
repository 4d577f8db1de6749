"""A detector of a plan before it is fitted: what its settings tell of its cost."""

from dataclasses import dataclass
from typing import Self

from hardsight.attacks import SURROGATES, Suite
from hardsight.config import DetectorConfig
from hardsight.detectors.advrad.scoring import Scoring
from hardsight.detectors.advrad.tiling import Tiling
from hardsight.detectors.methods import METHODS
from hardsight.evaluation.subjects.quick import quick_pgd
from hardsight.evaluation.subjects.subject import Kind


@dataclass(frozen=True)
class PlannedDetector:
    """What decides how often a detector is evaluated, and how much each time; see ``Traits``.

    Args:
        bypass: the part that a BPDA may go round; None: none.
        side: of the images that its network takes, in pixels: of a tile where there are tiles.
        passes: of such images through the network in a score.
        own_draws: noise draws that a score averages.
        random: whether the noise is another each time.
    """

    bypass: object | None
    side: int
    passes: int
    own_draws: int = 1
    random: bool = False
    kind: Kind = "detector"
    judged: str = "score"
    surrogates: tuple[str, ...] = tuple(SURROGATES)
    chance_wins: bool = False
    source: None = None
    threshold: float | None = 0.0
    """A fit ends with one, whatever it is."""

    @classmethod
    def of(cls, config: DetectorConfig) -> Self:
        """Read a configuration: what denoises has noise, unless that is fixed, and may have tiles.

        Raises:
            ValueError: tiles that do not fit the images.
        """
        settings, bypass = config.detector_settings, METHODS[config.method].detector.bypass
        size, scoring = settings["image_size"], settings.get("scoring")
        if not isinstance(scoring, Scoring):
            return cls(bypass, size, 1)
        side, images, tiling = size, 1, settings.get("tiling")
        if isinstance(tiling, Tiling):
            side, images = tiling.tile, tiling.passes(size)
        passes = images * scoring.steps * scoring.draws
        return cls(bypass, side, passes, scoring.draws, not settings.get("fixed_noise", False))

    @property
    def image_cost(self) -> int:
        """Pixels that go through the network in a score."""
        return self.passes * self.side**2

    @property
    def step_cost(self) -> int:
        """Pixels that go through it of an image in a training step: those of a random tile."""
        return self.side**2

    def sees(self, suite: Suite) -> Suite:
        """Return a suite as it attacks the detector: once where there is no noise to average."""
        return suite if self.random else suite.once

    def quick(self, norm: str) -> Suite:
        """Return the attack of a curve, at radius 0."""
        return quick_pgd(norm)
