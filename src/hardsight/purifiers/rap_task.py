"""The training of RAP's adapter."""

from typing import Annotated, Any, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from hardsight.attacks import Ball, build_ball
from hardsight.classifiers import augmented
from hardsight.core.modules import in_mode
from hardsight.data.labelled import demand_labelled
from hardsight.purifiers.base import Clamp
from hardsight.purifiers.rap import RAP, adversarial_process, random_start


class Assumed(str):
    """Marks a hyper-parameter that the paper leaves out, and says why it is what it is."""


class RAPSettings(BaseModel):
    """The hyper-parameters of RAP. Those marked ``Assumed`` are not in the paper."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    norm: Literal["Linf", "L2"] = "Linf"
    eps: float = Field(default=8 / 255, gt=0)
    """Radius of the attack: 8/255 (L2 0.5) on CIFAR-10, 0.3 (L2 1.5) on MNIST."""
    step_size: Annotated[
        float | None,
        Assumed("lambda is not given; None is eps / 4, 2/255 at 8/255, in the ball's norm"),
    ] = Field(default=None, gt=0)
    start: Annotated[
        float | None, Assumed("c is not given; None is eps, as Madry et al. start their attack")
    ] = Field(default=None, ge=0)
    projected: Annotated[
        Literal["ball"],
        Assumed('"Clamp" may mean [0, 1] alone; a threat model has a radius, so both are applied'),
    ] = "ball"
    attacked_at: Annotated[
        Literal["last"],
        Assumed("which t the attacked f is told is not given; T, as at test time"),
    ] = "last"
    steps_from: Annotated[
        int, Assumed("t is drawn from 1..T (Algorithm 3); the appendix's code takes one step more")
    ] = Field(default=1, ge=0)
    clamp: Annotated[
        Clamp,
        Assumed(
            "the appendix clamps f before the classifier; its dead gradients would mask attacks"
        ),
    ] = "off"
    mode: Annotated[
        Literal["eval"], Assumed("whether the attack sees train or eval mode is not given")
    ] = "eval"
    reconstruction: float = Field(default=1.0, ge=0)
    """Weight of the mean absolute error (appendix D)."""
    classification: float = Field(default=1.0, ge=0)
    """Weight of the cross-entropy (appendix D)."""

    @model_validator(mode="after")
    def _has_balls(self) -> Self:
        for radius in (self.eps, self.radius):  # refuses what is none, before any training
            build_ball(self.norm, radius)
        return self

    @property
    def ball(self) -> Ball:
        """The threat model."""
        return build_ball(self.norm, self.eps)

    @property
    def step(self) -> float:
        """lambda."""
        return self.step_size or self.eps / 4

    @property
    def radius(self) -> float:
        """c."""
        return self.eps if self.start is None else self.start

    @classmethod
    def assumed(cls) -> dict[str, str]:
        """Name -> reason, of every hyper-parameter that the paper leaves out."""
        return {
            name: str(mark)
            for name, field in cls.model_fields.items()
            for mark in field.metadata
            if isinstance(mark, Assumed)
        }

    def describe(self) -> dict[str, Any]:
        """Return every value, the assumed ones marked: what a report shows."""
        marks = self.assumed()
        return {
            name: f"{value} (assumed: {marks[name]})" if name in marks else value
            for name, value in self.model_dump().items()
        }


class RAPTask:
    """RAP, Algorithm 3: train the adapter on the joint model's own attacks.

    The classifier is frozen, whatever it was trained on: one that was trained adversarially makes
    the paper's RAP + AT.

    Args:
        purifier: with the adapter to be trained.
        classifier: behind it, in eval mode throughout.
        images: (N, C, H, W) uint8.
        labels: (N,) int64.
        settings: of the attack and the loss.
        pad: crop the images at random after padding them by so many black pixels.
        flip: mirror half of the images.
    """

    def __init__(
        self,
        purifier: RAP,
        classifier: nn.Module,
        images: Tensor,
        labels: Tensor,
        settings: RAPSettings,
        pad: int = 0,
        flip: bool = False,
    ) -> None:
        demand_labelled(images, labels)
        if purifier.clamp != settings.clamp:
            raise ValueError(
                f"purifier.clamp is {purifier.clamp!r} and settings.clamp {settings.clamp!r}; "
                "build it with RAP(adapter, clamp=settings.clamp)"
            )
        self.module = purifier
        self.classifier = classifier.eval().requires_grad_(False)
        self.images, self.labels = images, labels
        self.settings, self.pad, self.flip = settings, pad, flip

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw (images uint8, labels, t, where the attack starts), each with B rows."""
        index = torch.randint(len(self.images), (size,), generator=generator)
        x = augmented(self.images[index], generator, self.pad, self.flip)
        s = self.settings
        length = self.module.adapter.length
        t = torch.randint(s.steps_from, length + 1, (size,), generator=generator)
        start = random_start(s.ball, x.float() / 255, s.radius, generator)
        return x, self.labels[index], t, start

    def loss(self, *batch: Tensor) -> Tensor:
        """Algorithm 3, line 6, as appendix D has it: L1 of the images in [-1, 1], cross-entropy."""
        pixels, labels, t, start = batch
        x, s = pixels.float() / 255, self.settings
        classifier = self.classifier.to(x.device)
        joint = nn.Sequential(self.module, classifier)
        x_t = adversarial_process(joint, x, labels, t, s.ball, s.step, start)
        restored = self.module.restore(x_t, t)
        with in_mode("eval", classifier):
            entropy = F.cross_entropy(classifier(restored), labels)
        error = 2 * (restored - x).abs().mean()
        return s.reconstruction * error + s.classification * entropy

    @torch.no_grad()
    def sample(self, module: RAP) -> Tensor:
        """Draw eight images, attacked for T steps, and restored, as one of (3, 3H, 8W)."""
        device = next(module.parameters()).device
        x = self.images[:8].to(device).float() / 255
        labels, s = self.labels[:8].to(device), self.settings
        joint = nn.Sequential(module, self.classifier.to(device))
        t = torch.full_like(labels, module.adapter.length)
        worst = adversarial_process(joint, x, labels, t, s.ball, s.step)
        rows = [torch.cat(tuple(images), dim=2) for images in (x, worst, module(worst))]
        sheet = torch.cat(rows, dim=1).clamp(0, 1).cpu()
        return sheet if len(sheet) == 3 else sheet[:1].expand(3, -1, -1)
