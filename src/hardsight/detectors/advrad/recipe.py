"""What a fit of AdvRAD or Bastion is configured by."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from hardsight.data import AnomalyData
from hardsight.detectors.advrad.adversarial import AdversarialTraining
from hardsight.detectors.advrad.contract import ErrorDetector
from hardsight.detectors.advrad.map_head_training import MapHeadTraining
from hardsight.detectors.advrad.selection import Selection
from hardsight.detectors.method import FitConfig
from hardsight.detectors.stages import ATTACK_STEP, FORWARD, attacked, in_sizes
from hardsight.synthesis import Foreground


def _none_by_name(start: object) -> object:
    """Return None for "none", as a command line writes it, and all else as it is."""
    return None if start == "none" else start


class AdvRADFit(FitConfig):
    """Configure a fit of AdvRAD."""

    selection: Selection | None = None
    """Choose k, filter, aggregation and reference on validation data; None keeps the detector's."""
    adversarial_training: AdversarialTraining | None = None
    """Train on against attacks once the denoiser is trained; None: the plain training alone."""
    progressive: float = Field(0.0, ge=0, lt=1)
    """Share of the steps of each training of the denoiser, the first ones, on images of half the
    size: progressive resizing, at about a third of the time a step."""
    start: Annotated[str | None, BeforeValidator(_none_by_name)] = None
    """Folder of a run or of a saved detector, AdvRAD or Bastion, or the name of a bundled start,
    whose networks the training starts from; with training.steps=0 its denoiser is kept as it is.
    None, or "none": from first weights."""
    k_by_category: dict[str, int] = Field(default_factory=dict)
    """Category -> diffusion step, where a paper chose one for each (FreeRAD, Table 7)."""

    @model_validator(mode="after")
    def _batches_hold_both(self) -> Self:
        how = self.adversarial_training
        if how is not None and 0 < how.anomalous < 1 and self.training.batch_size < 2:
            raise ValueError(
                "training.batch_size=1 has no place for a pseudo-anomaly beside a normal image, "
                f"with adversarial_training.anomalous={how.anomalous}; set it to 2 or more"
            )
        return self

    @property
    def foregrounds(self) -> tuple[Foreground, ...]:
        """How the trainings find where anomalies are made."""
        how = self.adversarial_training
        return () if how is None else (how.foreground,)

    @property
    def started_from(self) -> str | None:
        """The start."""
        return self.start

    @property
    def stages(self) -> dict[str, float | None]:
        """The stages of the fit: trainings, whose cost their steps decide, and a selection.

        Empty where the patch size is chosen first, which decides what a step costs.
        """
        how, chosen, found = self.adversarial_training, self.selection, dict[str, float | None]()
        if self.start is None and chosen is not None and len(chosen.patches) > 1:
            return found
        for part in in_sizes("train", self.training.steps, self.progressive):
            found[part.stage] = part.cost()
        if how is not None:
            step = attacked(1, how.attack_steps)
            for part in in_sizes("adversarial-training", how.steps, self.progressive):
                found[part.stage] = part.cost(step)
        if chosen is not None:
            found["selection"] = None
        return found

    def stages_on(self, detector: ErrorDetector, data: AnomalyData) -> dict[str, float | None]:
        """Return the stages, then what is done to whole pictures, each of which has all its tiles.

        These are the looks at them, and the attack by which the map's filter is chosen. Of several
        categories there is no reference.
        """
        found, tiling = dict(self.stages), detector.tiling
        if not found:
            return found
        tiles = 1 if tiling is None else tiling.passes(detector.image_size)
        picture = tiles * detector.scoring.steps / self.training.batch_size
        image = FORWARD * picture * detector.draws
        if not data.categories:
            found["reference"] = image * len(data.train)
        if self.selection is not None and (choosing := (len(data.validation) + 1) // 2):
            found["localise"] = ATTACK_STEP * picture * self.selection.passes(choosing)
        found["calibration"] = image * len(data.validation)
        return found


class BastionFit(AdvRADFit):
    """Configure a fit of Bastion."""

    map_head_training: MapHeadTraining = Field(default_factory=MapHeadTraining)
    """How the map head is trained."""

    @model_validator(mode="after")
    def _head_sees_both(self) -> Self:
        if self.training.batch_size < 2:
            raise ValueError(
                "training.batch_size=1 would show the map head pseudo-anomalies alone; set it to 2 "
                "or more"
            )
        return self

    @property
    def foregrounds(self) -> tuple[Foreground, ...]:
        """Those of AdvRAD, then the head's."""
        return *super().foregrounds, self.map_head_training.foreground

    @property
    def stages(self) -> dict[str, float | None]:
        """Those of AdvRAD, then the head's, whose attacks go through the denoiser."""
        found, how = super().stages, self.map_head_training
        if found:
            found["map-head-warm-up"] = how.warm_up * FORWARD
            found["map-head"] = attacked(how.steps, how.attack_steps, FORWARD)
        return found
