"""AdvRAD as a registered method."""

from typing import Any

from pydantic import Field

from hardsight.detectors.advrad.adversarial import AdversarialTraining
from hardsight.detectors.advrad.detector import AdvRAD
from hardsight.detectors.advrad.selection import Selection
from hardsight.detectors.method import FitConfig, Method


class AdvRADFit(FitConfig):
    """Configure a fit of AdvRAD."""

    selection: Selection | None = None
    """Choose k, filter, aggregation and reference on validation data; None keeps the detector's."""
    adversarial_training: AdversarialTraining | None = None
    """Train on against attacks once the denoiser is trained; None: the plain training alone."""
    start: str | None = None
    """Run folder of the same method whose denoiser the training starts from; with training.steps=0
    it is kept as it is. None: from first weights."""
    k_by_category: dict[str, int] = Field(default_factory=dict)
    """Category -> diffusion step, where a paper chose one for each (FreeRAD, Table 7)."""

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of the detector's ``fit``; the steps of categories are none."""
        found = super().options
        del found["k_by_category"]
        return found | {"game": found.pop("adversarial_training")}

    @property
    def needs_steps(self) -> bool:
        """Whether there is no start whose denoiser 0 training steps would keep."""
        return self.start is None

    def arguments_for(self, category: str) -> dict[str, Any]:
        """Return the category's own diffusion step, if it has one."""
        k = self.k_by_category.get(category)
        return {} if k is None else {"k": k}


METHOD = Method(
    name="advrad",
    detector=AdvRAD,
    summary="Reconstruct the image as a normal one by diffusion, and score what changed (FreeRAD).",
    preset="advrad",
    config=AdvRADFit,
)
