"""The configurations of classifiers' runs, plain and defended."""

import inspect
from typing import Any, Literal

from pydantic import BaseModel, Field, create_model

from hardsight.attacks import PGD, Ball, build_ball
from hardsight.config.config import STRICT, Config, arguments
from hardsight.config.data import LabelledConfig
from hardsight.core.precision import Choice
from hardsight.core.words import in_words
from hardsight.purifiers import ADP, Adapter, DDIMPurifier, DiffPure, OneShot, Purifier, RAPSettings
from hardsight.purifiers.purified import Combine
from hardsight.training import Settings

AdapterConfig = arguments(Adapter, "size", "image_channels")  # those are the images'


class Adversary(BaseModel):
    """Configure adversarial training by PGD on the cross-entropy (Madry et al., 2018)."""

    model_config = STRICT

    norm: Literal["Linf", "L2"] = "Linf"
    eps: float = Field(8 / 255, gt=0)
    steps: int = Field(10, ge=1)
    step_size: float | None = Field(None, gt=0)
    """In the ball's norm; None: 2.5 eps / steps."""

    @property
    def attack(self) -> PGD:
        """PGD from a random start, with these settings."""
        return PGD(build_ball(self.norm, self.eps), self.steps, self.step_size)


class Network(BaseModel):
    """Configure a classifier, and whether it is trained on attacks."""

    model_config = STRICT

    network: dict[str, Any] = Field(default_factory=lambda: {"name": "mnist-cnn"})
    """Name (mnist-cnn, resnet18, wide-resnet) and arguments; classes and size are the data's."""
    adversary: Adversary | None = None
    """Train on its attacks; None: plain training."""


class PurifiedNetwork(Network):
    """Configure the classifier behind a purifier: another run's, or trained first."""

    run: str | None = None
    """Run folder of a plain classifier, which is copied; None: train one as set out here."""
    training: Settings = Field(default_factory=Settings)
    """How the classifier is trained; its seed is that of the run."""


class ClassifierConfig(Config):
    """Configure a run of a classifier; what every method has."""

    classifier: Network = Field(default_factory=Network)
    pad: int = Field(0, ge=0)
    """Black pixels round the images before they are cropped at random; not for denoisers."""
    flip: bool = False
    """Mirror half of the training images."""
    data: LabelledConfig = Field(default_factory=LabelledConfig)

    @property
    def trained_on(self) -> Ball | None:
        """The threat model of the training; None: it saw no attack."""
        found = self.classifier.adversary
        return found.attack.ball if found else None

    @property
    def assumed(self) -> dict[str, str]:
        """Setting -> its value and why, of those that a paper leaves out: for the report."""
        return {}


class PlainConfig(ClassifierConfig):
    """Train a classifier plainly, or on PGD's images (Madry et al., 2018)."""

    preset: str = "classifier"
    method: Literal["classifier"] = "classifier"


class RAPConfig(ClassifierConfig):
    """RAP: an adapter that undoes attacks in one step, in front of a frozen classifier."""

    preset: str = "rap"
    method: Literal["rap"] = "rap"
    classifier: PurifiedNetwork = Field(default_factory=PurifiedNetwork)
    adapter: AdapterConfig = Field(default_factory=AdapterConfig)  # type: ignore[valid-type]
    rap: RAPSettings = Field(default_factory=RAPSettings)
    """The attack that the adapter undoes, and its loss."""

    @property
    def trained_on(self) -> Ball:
        """RAP's own attack."""
        return self.rap.ball

    @property
    def assumed(self) -> dict[str, str]:
        """All of the adapter, the settings marked so, and how it is trained."""
        own = {f"rap.{k}": str(self.rap.describe()[k]) for k in self.rap.assumed()}
        network = BaseModel.model_dump(self.adapter)
        why = 'the paper says "a U-Net" and no more'
        t = self.training
        how = f"{t.optimizer}, lr {t.lr:g}, batches of {t.batch_size} (assumed: not given)"
        return own | {"adapter": f"{in_words(network)} (assumed: {why})", "adapter's training": how}


class DiffusionConfig(ClassifierConfig):
    """A purifier that needs a denoiser, in front of a classifier; ``training`` is its own."""

    classifier: PurifiedNetwork = Field(default_factory=PurifiedNetwork)
    denoiser: dict[str, Any] = Field(default_factory=lambda: {"name": "fast"})
    """Name (fast, paper) and arguments; size and channels are the data's."""
    purifier: BaseModel
    draws: int = Field(1, ge=1)
    """Purifications of each image."""
    combine: Combine = "mean"
    """How several purifications become one answer."""
    precision: Choice = "auto"
    """What the purifier computes in, in use: "auto" is the faster here; see ``Purified``."""


PURIFIERS: dict[str, type[DDIMPurifier] | type[DiffPure] | type[ADP] | type[OneShot]] = {
    "ddim": DDIMPurifier,
    "diffpure": DiffPure,
    "adp": ADP,
    "one-shot": OneShot,
}
"""Method name -> the purifier it puts in front of a classifier."""


def _diffusion_config(name: str, purifier: type[Purifier]) -> type[DiffusionConfig]:
    """Return the configuration of a purifier's runs."""
    # "noisy" is for certificates, which bring the noise along
    settings: Any = arguments(purifier, "denoiser", "noisy")
    required = any(f.is_required() for f in settings.model_fields.values())
    return create_model(
        f"{purifier.__name__}RunConfig",
        __base__=DiffusionConfig,
        __doc__=(inspect.getdoc(purifier) or "").splitlines()[0],
        preset=(str, name),
        method=(Literal[name], name),  # type: ignore[arg-type]
        purifier=(settings, ... if required else Field(default_factory=settings)),
    )


DIFFUSION = {name: _diffusion_config(name, purifier) for name, purifier in PURIFIERS.items()}
"""Method name -> what a run of it is configured by."""
