"""Purifiers of one denoiser in front of a detector, by their depth."""

from dataclasses import dataclass
from typing import Literal, get_args

from hardsight.detectors.adapters.purified import PurifiedDetector
from hardsight.detectors.base import Detector
from hardsight.diffusion import Denoiser
from hardsight.purifiers import DDIMPurifier, OneShot, Purifier

Form = Literal["one-shot", "ddim"]
"""How images are denoised: at once (Carlini et al., 2023), or step by step (Blau et al., 2022)."""


@dataclass(frozen=True, eq=False)
class Purification:
    """Put a purifier of any depth t* in front of a detector.

    Args:
        denoiser: of images of the detector's size, on its device.
        form: see ``Form``.
        skip: diffusion steps between two of "ddim".

    Raises:
        ValueError: another form.
    """

    denoiser: Denoiser
    form: Form = "one-shot"
    skip: int = 25

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise ValueError(f"form must be {' or '.join(get_args(Form))}, got {self.form!r}")

    def purifier(self, depth: int) -> Purifier:
        """Return the purifier that diffuses images to t* = ``depth``.

        Raises:
            ValueError: the diffusion has no such step.
        """
        last = self.denoiser.schedule.T - 1
        if not 1 <= depth <= last:
            raise ValueError(f"t* must be 1 to {last} for this denoiser, got {depth}")
        if self.form == "one-shot":
            return OneShot(self.denoiser, float(self.denoiser.schedule.sigma(depth)) / 2)
        return DDIMPurifier(self.denoiser, depth, self.skip, checkpoint=True)

    def before(self, detector: Detector, depth: int) -> Detector:
        """Return the detector behind the purifier of a depth; alone for a depth of 0."""
        return PurifiedDetector(self.purifier(depth), detector) if depth else detector
