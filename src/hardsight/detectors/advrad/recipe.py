"""What a fit of AdvRAD or Bastion is configured by."""

from pydantic import Field

from hardsight.detectors.advrad.adversarial import AdversarialTraining
from hardsight.detectors.advrad.map_head_training import MapHeadTraining
from hardsight.detectors.advrad.selection import Selection
from hardsight.detectors.method import FitConfig


class AdvRADFit(FitConfig):
    """Configure a fit of AdvRAD."""

    selection: Selection | None = None
    """Choose k, filter, aggregation and reference on validation data; None keeps the detector's."""
    adversarial_training: AdversarialTraining | None = None
    """Train on against attacks once the denoiser is trained; None: the plain training alone."""
    start: str | None = None
    """Folder of a run or of a saved detector, AdvRAD or Bastion, whose networks the training starts
    from; with training.steps=0 its denoiser is kept as it is. None: from first weights."""
    k_by_category: dict[str, int] = Field(default_factory=dict)
    """Category -> diffusion step, where a paper chose one for each (FreeRAD, Table 7)."""

    @property
    def started_from(self) -> str | None:
        """The start."""
        return self.start


class BastionFit(AdvRADFit):
    """Configure a fit of Bastion."""

    map_head_training: MapHeadTraining = Field(default_factory=MapHeadTraining)
    """How the map head is trained."""
