"""What a fit of PatchGuard is configured by."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hardsight.attacks import PGD, Linf
from hardsight.core.modules import Mode
from hardsight.detectors.adversary import PGDAdversary
from hardsight.detectors.method import FitConfig
from hardsight.detectors.patchguard.attention import Regulariser
from hardsight.detectors.patchguard.patch_network import Layer
from hardsight.detectors.patchguard.selection import CheckpointChoice
from hardsight.detectors.stages import attacked
from hardsight.synthesis import CutPaste, Foreground

_STRICT = ConfigDict(extra="forbid", frozen=True)


class Adversary(PGDAdversary):
    """Configure the attack on the training images, in an L-inf ball."""

    kind: Literal["none", "pgd", "fast", "free"] = "pgd"
    """"pgd": projected gradient ascent. "fast": one step from a random start, the gradient kept
    aligned over the ball (Andriushchenko & Flammarion, 2020). "free": the perturbation follows the
    gradient of the training step itself, a batch being replayed (Shafahi et al., 2019)."""
    mode: Mode = "train"
    """Mode of the network while it is attacked: with dropout, as in PatchGuard's code, or not."""
    replays: int = Field(8, ge=1)
    """Steps that one batch serves in "free"."""
    alignment: float = Field(0.2, ge=0)
    """Weight in "fast" of 1 - cosine of the gradients at the image and in its ball, beside the
    mean cross-entropy of a patch; 0: off."""

    def attack(self) -> PGD:
        """Return the attack of "pgd" and of "fast" (1.25 eps, Wong et al., 2020)."""
        if self.kind == "fast":
            return PGD(Linf(self.eps), steps=1, step_size=1.25 * self.eps or None)
        return super().attack()


class Regularisation(BaseModel):
    """Configure the regulariser that raises the attention degree."""

    model_config = _STRICT

    kind: Regulariser = "kl-row"
    """"kl-mean" is what PatchGuard's code adds, a few thousandths beside a loss in the hundreds;
    "kl-row" is the same summed over the columns; "soft-degree" counts as the paper defines."""
    layers: tuple[Layer, ...] = (-1,)
    """1 is the ViT's first, -1 its last; "discriminator"."""
    weights: tuple[float, ...] = (1.0,)
    """One for each layer."""
    delta: float = Field(1.0, gt=0)
    """A weight counts above ``delta / N`` in "soft-degree"; the paper's 1/256 is 1."""
    tau: float = Field(0.25, gt=0)
    """Width of the sigmoid of "soft-degree", in units of 1 / N as ``delta``."""

    @model_validator(mode="after")
    def _a_weight_each(self) -> "Regularisation":
        if len(self.weights) != len(self.layers):
            raise ValueError(
                f"weights must hold one for each of {len(self.layers)} layers, got {self.weights}"
            )
        return self


class Recipe(BaseModel):
    """Configure the adversarial training: all of it that is no matter of the loop."""

    model_config = _STRICT

    adversary: Adversary = Adversary()
    warm_up: int = Field(0, ge=0)
    """Steps of training without adversary before the others: from a random start, few attacked
    steps learn little but where anomalies are usual. The paper has none."""
    regulariser: Regularisation = Regularisation()
    foreground: Foreground = "saliency"
    """Where pseudo-anomalies are made: "grad-cam", "saliency" or "all"."""
    foreground_weights: str = "bundled"
    """Weights of the classifier behind "grad-cam": "bundled" (EfficientNet-Lite0), "imagenet"
    (ResNet-18, fetched once) or the path of a ResNet-18's file."""
    dilation: float = Field(10 / 224, ge=0, lt=1)
    """How far pseudo-anomalies reach over the foreground's edge, as a fraction of the side."""
    smallest: float = Field(14 / 224, gt=0, lt=1)
    """Shortest side of what is cut and pasted, as a fraction of the image's."""
    defects: float = Field(0.0, ge=0, le=1)
    """Share of the pseudo-anomalies that are synthetic defects instead of cut and pasted."""
    anomalous_weight: float = Field(1.0, gt=0)
    """Weight of an anomalous patch beside a normal one."""

    def cut_paste(self) -> CutPaste:
        """Return what makes pseudo-anomalies."""
        return CutPaste(smallest=self.smallest, defects=self.defects)


class PatchGuardFit(FitConfig):
    """Configure a fit of PatchGuard."""

    selection: CheckpointChoice | None = None
    """Choose among the last checkpoints on validation data; None keeps the last, averaged."""
    augment: Literal["auto", "none"] = "none"
    """Flips and turns of training images: those the normal images show themselves, or none, as in
    the paper."""
    recipe: Recipe = Field(default_factory=Recipe)
    """Adversary, regulariser and pseudo-anomalies of the training."""

    @property
    def stages(self) -> dict[str, float | None]:
        """The clean steps, those under attack where that is plain PGD, and the selection."""
        recipe, steps = self.recipe, self.training.steps
        costs = {"none": float(steps), "pgd": attacked(steps, recipe.adversary.steps)}
        found: dict[str, float | None] = {"warm-up": recipe.warm_up} if recipe.warm_up else {}
        found["train"] = costs.get(recipe.adversary.kind)
        return found if self.selection is None else found | {"selection": None}
