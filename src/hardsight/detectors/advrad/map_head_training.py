"""Train the map head on pseudo-anomalies under attacks on its map."""

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Generator, Tensor

from hardsight.attacks import PGD, Linf, frozen
from hardsight.augment import TrainingImages
from hardsight.core.batches import spread
from hardsight.core.seeds import draw_seeds, generator_of
from hardsight.data import sheet
from hardsight.detectors.advrad.map_head import MapHead
from hardsight.detectors.highest import highest_mean
from hardsight.diffusion import Denoiser, one_shot
from hardsight.synthesis import CutPaste, Foreground
from hardsight.training import Settings


class MapHeadTraining(BaseModel):
    """Train on batches one half of which is pseudo-anomalous, all of it attacked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(400, ge=1)
    """Steps of the optimiser."""
    warm_up: int = Field(100, ge=0)
    """Steps before these, on images that are not attacked."""
    lr: float = Field(1e-3, gt=0)
    """The highest learning rate."""
    eps: float = Field(8 / 255, ge=0, le=1)
    """L-inf radius of the attack in [0, 1] pixel units."""
    attack_steps: int = Field(2, ge=1)
    """Sign steps of the attack, from a random start."""
    step_share: float = Field(0.7, gt=0)
    """Length of such a step over ``eps``."""
    contrast: float = Field(16 / 255, ge=0, le=1)
    """By how much a pixel must be changed to count as anomalous: what is fainter than twice
    ``eps`` an attacker can paint over."""
    top: float = Field(0.002, gt=0, le=1)
    """Share of the cells, those of the highest logits, whose mean is the image's logit."""
    image: float = Field(1.0, ge=0)
    """Weight of the image's cross-entropy beside the cells'."""
    foreground: Foreground = "saliency"
    """Where pseudo-anomalies are made."""
    smallest: float = Field(0.02, gt=0, lt=1)
    """Shortest side of what is cut and pasted, as a fraction of the image's side."""

    def settings(self, training: Settings, steps: int) -> Settings:
        """Return the denoiser's settings with other steps, and the head's learning rate."""
        return training.model_copy(update={"steps": steps, "lr": self.lr})

    def cells(self, normal: Tensor, shown: Tensor, patch: int) -> tuple[Tensor, Tensor]:
        """Return which cells are anomalous and which normal, (B, 1, H / patch, W / patch) bool.

        Anomalous is a cell a quarter of whose pixels were changed by more than ``contrast``, normal
        one that was not changed; what is between them is neither.

        Args:
            normal, shown: (B, 3, H, W) in [0, 1], before and after.
            patch: side of a cell in pixels.
        """
        change = (shown - normal).abs().amax(1, keepdim=True)
        anomalous = F.avg_pool2d((change > self.contrast).float(), patch) >= 0.25
        return anomalous, F.max_pool2d(change, patch) == 0

    def losses(self, logits: Tensor, anomalous: Tensor, normal: Tensor) -> Tensor:
        """Add the cross-entropies (B,) of anomalous cells, of normal ones and of the image.

        Each sort of cells counts by its mean. An image is normal if all its cells are; what has
        cells that are neither, and no anomalous one, has no label.
        """
        label = anomalous.flatten(1).any(1)
        labelled = label | normal.flatten(1).all(1)
        each = F.binary_cross_entropy_with_logits(logits, anomalous.to(logits), reduction="none")
        parts = [
            (each * w).flatten(1).sum(1) / w.flatten(1).sum(1).clamp_min(1)
            for w in (anomalous.to(logits), normal.to(logits))
        ]
        highest = highest_mean(logits, self.top)
        image = F.binary_cross_entropy_with_logits(highest, label.to(logits), reduction="none")
        return parts[0] + parts[1] + self.image * image * labelled


class MapHeadTask:
    """Draws images and noise; the attack follows from them on the device.

    The attack goes through the denoiser, which is trained no more.

    Args:
        head: what is trained.
        denoiser: what reconstructs for it.
        k: diffusion step of the reconstructions, 1-based.
        normals: on what.
        training: how.
        eps: radius of the attack; None: the training's. 0: there is none.
    """

    def __init__(
        self,
        head: MapHead,
        denoiser: Denoiser,
        k: int,
        normals: TrainingImages,
        training: MapHeadTraining,
        eps: float | None = None,
    ) -> None:
        self.module, self.denoiser, self.k, self.training = head, denoiser, k, training
        self.normals, self.eps = normals, training.eps if eps is None else eps
        self.cut_paste = CutPaste(smallest=training.smallest)

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw the images of a step and its randomness.

        Returns:
            Images (B, 3, H, W) uint8, foregrounds (B, 1, H, W) bool, which are made anomalous (B,)
            bool, noise (B, 3, H, W) and seeds (B,).
        """
        x, where = self.normals.drawn(size, generator)
        anomalous = torch.arange(size) >= size // 2
        noise = torch.randn(x.shape, generator=generator)
        seeds = draw_seeds(size, generator)
        order = torch.randperm(size, generator=generator)  # so that each device has both
        return x, where, anomalous[order], noise, seeds

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean over images of ``MapHeadTraining.losses`` under attack."""
        images, where, anomalous, noise, seeds = batch
        self.denoiser.to(images.device)
        generator = generator_of(seeds, images.device)
        normal = images.float() / 255
        shown = self.cut_paste.some(normal, where, anomalous, generator)
        cells = self.training.cells(normal, shown, self.module.patch)
        adversarial = self.attacked(shown, cells, noise, generator)
        with torch.no_grad():
            r = self.reconstructed(adversarial, noise)
        return self.training.losses(self.module(adversarial, r), *cells).mean()

    def attacked(
        self, shown: Tensor, cells: tuple[Tensor, Tensor], noise: Tensor, generator: Generator
    ) -> Tensor:
        """Return the images (B, 3, H, W) so that the loss is large; the noise is known."""
        if not self.eps:
            return shown

        def wrong(images: Tensor, generator: Generator | None = None) -> Tensor:
            logits = self.module(images, self.reconstructed(images, noise))
            return self.training.losses(logits, *cells)

        share, steps = self.training.step_share, self.training.attack_steps
        with frozen(self.module), frozen(self.denoiser):
            return PGD(Linf(self.eps), steps, share * self.eps).last(wrong, shown, generator)

    def reconstructed(self, images: Tensor, noise: Tensor) -> Tensor:
        """Reconstruct (B, 3, H, W) in [0, 1] units, before and after; noise (B, 3, H, W)."""
        r = one_shot(self.denoiser, 2 * images - 1, self.k, noise)
        return (r.to(images.dtype) + 1) / 2

    @torch.no_grad()
    def log_errors(self, images: int, generator: Generator) -> Tensor:
        """Return ``MapHead.log_error`` (N, 1, h, w) of normal images, or a few more, as drawn."""
        parts, device = [], next(self.denoiser.parameters()).device
        for _ in range(0, images, 4):
            x, _, _, noise, _ = (b.to(device) for b in self.batch(4, generator))
            normal = x.float() / 255
            parts.append(self.module.log_error(normal, self.reconstructed(normal, noise)))
        return torch.cat(parts)

    @torch.no_grad()
    def sample(self, module: MapHead) -> Tensor:
        """Draw normal images, anomalous copies, their reconstructions and the maps as (3, h, w)."""
        device = next(module.parameters()).device
        x, where = self.normals.first(spread(torch.arange(len(self.normals)), 8))
        normal, generator = x.to(device).float() / 255, Generator(device).manual_seed(0)
        shown, _ = self.cut_paste(normal, where.to(device), generator)
        noise = torch.randn(shown.shape, generator=generator, device=device)
        r = self.reconstructed(shown, noise)
        said = torch.sigmoid(module(shown, r))
        return sheet(normal, shown, r, F.interpolate(said, x.shape[-2:]))
