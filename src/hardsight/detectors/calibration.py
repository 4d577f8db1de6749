"""A threshold that means something: split-conformal, from normal images the detector never saw."""

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hardsight.core.files import write_atomically
from hardsight.core.json_files import read_json
from hardsight.data import Decoding
from hardsight.data.images import Aspect
from hardsight.metrics import conformal_threshold, p_values


@dataclass(frozen=True)
class Calibration:
    """Where an image, and a pixel, becomes an anomaly.

    Of new normal images exchangeable with the calibration images, at most ``level`` score above
    ``threshold``, averaged over the draw of the calibration set; ``statement`` says it in words.
    """

    level: float
    """False-alarm rate asked for, in (0, 1)."""
    threshold: float
    """An image whose score lies strictly above is anomalous."""
    map_threshold: float
    """The same for the largest value of an anomaly map; a pixel strictly above is anomalous."""
    normal_scores: tuple[float, ...]
    """(n,) the calibration images' scores, for p-values."""
    bits: int | None = None
    """Depth of grey at which files of 16 bits were read and must be, see ``read_image``."""
    aspect: Aspect = "stretch"
    """What became of images that are no squares, and must, see ``hardsight.data.images``."""
    under: str | None = None
    """The attack that the calibration images were under, in words; None: none."""

    @staticmethod
    def check(n: int, level: float | None) -> float:
        """Return the level n images are calibrated at; None takes 1 %, or the lowest they support.

        Raises:
            ValueError: too few images for the level; the message says how many it takes.
        """
        if n == 0:
            raise ValueError(
                "no held-out normal image is left to set the threshold on, of which a fit that "
                "selects takes every other one to choose by; add normal images, or hold out more "
                "of them (--set data.validation_fraction=...)"
            )
        if level is None:
            level = max(0.01, 1 / (n + 1))
        conformal_threshold(np.zeros(n), level)
        return level

    @classmethod
    def fit(
        cls,
        scores: NDArray[np.float64],
        map_maxima: NDArray[np.float64],
        level: float | None = None,
    ) -> "Calibration":
        """Calibrate on n held-out normal images.

        Args:
            scores: (n,) their image scores.
            map_maxima: (n,) the largest values of their anomaly maps.
            level: false-alarm rate; None takes 1 %, or the lowest rate n images can support.

        Raises:
            ValueError: too few images for the level asked; the message says how many it takes.
        """
        level = cls.check(len(scores), level)
        return cls(
            level=level,
            threshold=conformal_threshold(scores, level),
            map_threshold=conformal_threshold(map_maxima, level),
            normal_scores=tuple(float(s) for s in np.sort(scores)),
        )

    def p_values(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chance (N,) that a normal image scores as high; small is anomalous."""
        return p_values(scores, np.asarray(self.normal_scores))

    def decoding(self, size: tuple[int, int]) -> Decoding:
        """Return how the calibration images were decoded, at a size."""
        return Decoding(size, self.bits, self.aspect)

    def decoded_as(self, other: Decoding) -> "Calibration":
        """Return the calibration for images that are decoded as others are."""
        return replace(self, bits=other.bits, aspect=other.aspect)

    @property
    def clean_scores(self) -> tuple[float, ...]:
        """The scores of held-out normal images left alone; none where these were attacked."""
        return () if self.under else self.normal_scores

    @property
    def source(self) -> str:
        """On which normal images the threshold was set, in words."""
        return f"normals under {self.under}" if self.under else "clean normals"

    @property
    def statement(self) -> str:
        """The guarantee in one sentence."""
        n = len(self.normal_scores)
        attacked = (
            "" if self.under is None else f", attacked as the {n} were ({self.under}) or not,"
        )
        return (
            f"At most {100 * self.level:.3g} % of new normal images{attacked} raise a false alarm "
            f"(split-conformal on {n} held-out normal images, on average over such sets)."
        )

    def write(self, path: Path) -> None:
        """Write the calibration as JSON."""
        write_atomically(path, json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Calibration":
        """Read what ``write`` wrote.

        Raises:
            ValueError: not a calibration file.
        """
        found = read_json(
            path,
            "fit again",
            lambda values: cls(**values | {"normal_scores": tuple(values["normal_scores"])}),
            fault="not a calibration file",
        )
        if not math.isfinite(found.threshold):
            raise ValueError(f"{path} holds a threshold that is not a number; fit again")
        return found
