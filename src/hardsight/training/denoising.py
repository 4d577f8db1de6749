"""The task of training a denoiser on normal images."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from hardsight.augment import AugmentationPolicy, cropped, drawn
from hardsight.diffusion import Denoiser, one_shot


class DenoisingTask:
    """Draws images, turns and noise; the loss is the denoiser's own.

    Args:
        denoiser: what is trained.
        images: (N, 3, H, W) uint8, normal.
        policies: of the images, in their order; each is drawn equally often and says how its images
            are changed. Empty: one, left as it is.
        sample_step: diffusion step (1-based) of the reconstructions shown.
        crop: side of the random squares of images that are trained on; None: whole images.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        images: Tensor,
        policies: Sequence[AugmentationPolicy] = (),
        sample_step: int = 100,
        crop: int | None = None,
    ) -> None:
        if len(images) == 0:
            raise ValueError("there are no training images")
        self.module = denoiser
        self.images = images
        self.policies = tuple(policies) or (AugmentationPolicy(len(images)),)
        self.sample_step, self.crop = sample_step, crop

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw (images (B, 3, H, W) uint8, the randomness of the denoiser's loss ...)."""
        (x,) = drawn(self.policies, size, self.crop, generator, self.images)
        return (x, *self.module.draw(x.shape, generator))

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean of the denoiser's loss over the rows of a batch."""
        images, *randomness = batch
        return self.module.training_loss(images.float() / 127.5 - 1, tuple(randomness)).mean()

    @torch.no_grad()
    def sample(self, module: Denoiser) -> Tensor:
        """Draw the first four images above their one-shot reconstructions: (3, 2H, 4W)."""
        device = next(module.parameters()).device
        first = torch.arange(min(4, len(self.images)))
        (x,) = cropped(first, self.crop, Generator().manual_seed(0), self.images)
        x = x.to(device).float() / 127.5 - 1
        noise = torch.randn(x.shape, generator=Generator().manual_seed(0)).to(device)
        r = one_shot(module, x, self.sample_step, noise)
        rows = [torch.cat(tuple(images), dim=2) for images in (x, r)]
        sheet = ((torch.cat(rows, dim=1) + 1) / 2).clamp(0, 1).cpu()
        return sheet.expand(3, -1, -1)
