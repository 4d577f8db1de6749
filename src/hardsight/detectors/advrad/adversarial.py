"""Adversarial training: a denoiser learns to reconstruct what an attacker made of its images."""

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Generator, Tensor

from hardsight.attacks import PGD, Linf, frozen
from hardsight.augment import TrainingImages
from hardsight.core.seeds import draw_seeds, generator_of
from hardsight.detectors.advrad.maps import aggregate, multiscale_error
from hardsight.detectors.mean_filter import demand_filter, mean_filter
from hardsight.diffusion import Denoiser, one_shot
from hardsight.synthesis import CutPaste, Foreground
from hardsight.synthesis.shapes import uniform
from hardsight.training import DenoisingTask, Settings


class AdversarialTraining(BaseModel):
    """Train a denoiser, after its plain training, against attacks on its own score.

    One part of a batch is normal and attacked so that its error rises, the other pseudo-anomalous
    and attacked so that it falls. Both are to be reconstructed as the clean normal image: the first
    teaches that a perturbation is no part of the picture, the second that an anomaly is not either,
    however it is veiled.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(600, ge=1)
    """Steps of the optimiser."""
    lr: float = Field(2e-4, gt=0)
    """The highest learning rate."""
    eps: float = Field(8 / 255, ge=0, le=1)
    """L-inf radius of the attack in [0, 1] pixel units."""
    eps_low: float | None = Field(None, ge=0, le=1)
    """Radii are drawn evenly from here to ``eps``, one a batch; None: always ``eps``."""
    attack_steps: int = Field(2, ge=1)
    """Sign steps of the attack, from a random start."""
    step_share: float = Field(0.7, gt=0)
    """Length of such a step over ``eps``."""
    margin: float = Field(0.12, ge=0, le=1)
    """Contrast in [0, 1] that an error must exceed to count, see ``multiscale_error``."""
    filter_size: int = Field(9, ge=1)
    """Side of the errors' mean filter in pixels, odd."""
    top: float = Field(0.0015, gt=0, le=1)
    """Share of the pixels, those of the largest such error: what the attack moves."""
    peak: float = Field(0.0, ge=0)
    """Weight of that same error of the attacked reconstruction, beside the mean of the squares."""
    k_low: int | None = Field(None, ge=1)
    """Diffusion steps are drawn evenly from ``k_low`` to ``k_high``; None, both: always the one
    that is scored, which is chosen where a selection has several, see ``choose_k``."""
    k_high: int | None = Field(None, ge=1)
    plain: float = Field(0.0, ge=0)
    """Weight of the plain training's loss beside the adversarial one."""
    anomalous: float = Field(0.5, ge=0, le=1)
    """Share of a batch that is pseudo-anomalous, rounded to images."""
    foreground: Foreground = "saliency"
    """Where pseudo-anomalies are made."""
    defects: float = Field(0.5, ge=0, le=1)
    """Share of the pseudo-anomalies that are synthetic defects instead of cut and pasted."""

    @model_validator(mode="after")
    def _makes_sense(self) -> "AdversarialTraining":
        demand_filter(self.filter_size)
        if (self.k_low is None) != (self.k_high is None):
            raise ValueError(f"set k_low and k_high or neither, got {self.k_low} and {self.k_high}")
        if self.k_low and self.k_high and self.k_low > self.k_high:
            raise ValueError(f"k_low must not be above k_high, got {self.k_low} > {self.k_high}")
        if self.eps_low is not None and self.eps_low > self.eps:
            raise ValueError(f"eps_low must not be above eps, got {self.eps_low} > {self.eps}")
        return self

    def at(self, k: int) -> "AdversarialTraining":
        """Return the training at one k."""
        return self.model_copy(update={"k_low": k, "k_high": k})

    def peaks(self, x: Tensor, r: Tensor) -> Tensor:
        """Return the reconstructions' largest errors (B,) of (B, C, H, W) in [0, 1] units."""
        errors = multiscale_error(x, r, margin=self.margin)
        return aggregate(mean_filter(errors, self.filter_size), f"top:{self.top}")

    def settings(self, training: Settings) -> Settings:
        """Return the plain training's settings with the steps and the learning rate of this."""
        return training.model_copy(update={"steps": self.steps, "lr": self.lr})

    def attack(self, generator: Generator) -> PGD:
        """Return the attack of a batch, its radius drawn if it is not always the same."""
        eps = self.eps
        if self.eps_low is not None:
            eps = uniform(generator, self.eps_low, eps)
        return PGD(Linf(eps), self.attack_steps, self.step_share * eps or None)


class ErrorObjective:
    """Raise the largest reconstruction errors of normal images, lower those of anomalous ones.

    Args:
        denoiser: what reconstructs.
        t: (B,) diffusion steps.
        noise: (B, C, H, W) of the diffusion, known to the attacker.
        sign: (B,) 1 to raise, -1 to lower.
        training: which errors.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        t: Tensor,
        noise: Tensor,
        sign: Tensor,
        training: AdversarialTraining,
    ) -> None:
        self.denoiser, self.t, self.noise = denoiser, t, noise
        self.sign, self.training = sign, training

    def __call__(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Return what is to be maximised, (B,), of images (B, 3, H, W) in [0, 1]."""
        r = (one_shot(self.denoiser, 2 * images - 1, self.t, self.noise) + 1) / 2
        return self.sign * self.training.peaks(images, r)


class AdversarialTask:
    """Draws images, diffusion steps and noise; the attack follows from them on the device.

    Args:
        denoiser: what is trained.
        normals: on what.
        training: how, at given diffusion steps.
    """

    def __init__(
        self, denoiser: Denoiser, normals: TrainingImages, training: AdversarialTraining
    ) -> None:
        if training.k_low is None or training.k_high is None:
            raise ValueError(
                "adversarial training needs k_low and k_high, got None; see AdversarialTraining.at"
            )
        if not training.k_high <= denoiser.schedule.T:
            raise ValueError(f"k_high must be at most {denoiser.schedule.T}, got {training.k_high}")
        self.ks = training.k_low, training.k_high
        self.module, self.training, self.normals = denoiser, training, normals
        self.plain = DenoisingTask(denoiser, normals, sum(self.ks) // 2)
        self.cut_paste = CutPaste(defects=training.defects)

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw the images of a step and its randomness.

        Returns:
            Images (B, 3, H, W) uint8, foregrounds (B, 1, H, W) bool, which are made anomalous (B,)
            bool, diffusion steps (B,), noise (B, 3, H, W), seeds (B,), and what a plain loss draws.
        """
        x, where = self.normals.drawn(size, generator)
        anomalous = torch.arange(size) >= size - round(self.training.anomalous * size)
        low, high = self.ks
        t = torch.randint(low, high + 1, (size,), generator=generator)
        noise = torch.randn(x.shape, generator=generator)
        seeds = draw_seeds(size, generator)
        order = torch.randperm(size, generator=generator)  # so that each device has both
        plain = self.module.draw(x.shape, generator) if self.training.plain else ()
        return (x, where, anomalous[order], t, noise, seeds, *plain)

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean over images of the error to the clean one / (sigma^2 + 0.01).

        The error is the mean squared one, in [-1, 1] units, and ``peak`` times the largest.
        """
        images, where, anomalous, t, noise, seeds, *randomness = batch
        generator = generator_of(seeds, images.device)
        normal = images.float() / 255
        shown = self.cut_paste.some(normal, where, anomalous, generator)
        sign = 1.0 - 2.0 * anomalous.float()
        with frozen(self.module):
            objective = ErrorObjective(self.module, t, noise, sign, self.training)
            adversarial = self.training.attack(generator).last(objective, shown, generator)
        r = one_shot(self.module, 2 * adversarial - 1, t, noise)
        error = (r - (2 * normal - 1)).square().flatten(1).mean(1)
        if self.training.peak:
            error = error + 4 * self.training.peak * self.training.peaks(
                normal, (r.float() + 1) / 2
            )
        total = (error / (self.module.schedule.sigma(t).to(error) ** 2 + 0.01)).mean()
        if self.training.plain:
            total = total + self.training.plain * self.plain.loss(images, *randomness)
        return total

    def sample(self, module: Denoiser) -> Tensor:
        """Draw images above their reconstructions: (3, 2H, 4W)."""
        return self.plain.sample(module)
