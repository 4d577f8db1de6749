"""The task of training a denoiser on normal images."""

import torch
from torch import Generator, Tensor

from hardsight.augment import TrainingImages
from hardsight.diffusion import Denoiser, one_shot


class DenoisingTask:
    """Draws images, turns and noise; the loss is the denoiser's own.

    Args:
        denoiser: what is trained.
        normals: on what.
        sample_step: diffusion step (1-based) of the reconstructions shown; of a shorter diffusion
            its last.
    """

    def __init__(self, denoiser: Denoiser, normals: TrainingImages, sample_step: int = 100) -> None:
        self.module, self.normals = denoiser, normals
        self.sample_step = min(sample_step, denoiser.schedule.T)

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw (images (B, 3, H, W) uint8, the randomness of the denoiser's loss ...)."""
        x, *_ = self.normals.drawn(size, generator)
        return (x, *self.module.draw(x.shape, generator))

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean of the denoiser's loss over the rows of a batch."""
        images, *randomness = batch
        return self.module.training_loss(images.float() / 127.5 - 1, tuple(randomness)).mean()

    @torch.no_grad()
    def sample(self, module: Denoiser) -> Tensor:
        """Draw the first four images above their one-shot reconstructions: (3, 2H, 4W)."""
        device = next(module.parameters()).device
        x, *_ = self.normals.first(torch.arange(min(4, len(self.normals))))
        x = x.to(device).float() / 127.5 - 1
        noise = torch.randn(x.shape, generator=Generator().manual_seed(0)).to(device)
        r = one_shot(module, x, self.sample_step, noise)
        rows = [torch.cat(tuple(images), dim=2) for images in (x, r)]
        sheet = ((torch.cat(rows, dim=1) + 1) / 2).clamp(0, 1).cpu()
        return sheet.expand(3, -1, -1)
