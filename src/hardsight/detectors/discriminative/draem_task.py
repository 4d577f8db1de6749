"""The task of training DRAEM, on clean or on attacked images."""

import torch
from torch import Generator, Tensor

from hardsight.core.seeds import draw_seeds, generator_of
from hardsight.data import sheet
from hardsight.detectors.adversary import PGDAdversary
from hardsight.detectors.discriminative.draem_network import DRAEMNetwork
from hardsight.detectors.discriminative.losses import focal_loss
from hardsight.detectors.discriminative.normals import Normals
from hardsight.synthesis import PerlinTextures
from hardsight.synthesis.similarity import ssim


class FocalObjective:
    """Raise the focal loss of every image: what DRAEM is attacked on in training.

    Args:
        network: images -> (reconstructions, logits).
        masks: (B, 1, H, W) bool of the images it will see, in order.
    """

    def __init__(self, network: DRAEMNetwork, masks: Tensor) -> None:
        self.model, self.masks = network, masks

    def __call__(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Return what is to be maximised, (B,), of images (B, 3, H, W)."""
        return focal_loss(self.model(images)[1].to(images.dtype), self.masks)


class DRAEMTask:
    """Draws normal images and seeds; anomalies and attacks follow from them, on the device.

    Of an image the loss is that of its reconstruction, to the normal image: mean squared error and
    1 - SSIM, and the focal loss of its logits (Zavrtanik et al., 2021, Eq. 1 to 5). With an
    adversary both networks see the attacked image instead of the clean one (PatchGuard,
    supplement E), and what is reconstructed is the clean normal image.

    Args:
        network: what is trained.
        normals: what it is trained on.
        anomalies: how images are made anomalous.
        anomalous: share of a batch that is, rounded to images, at least one.
        adversary: None: no attack.
    """

    def __init__(
        self,
        network: DRAEMNetwork,
        normals: Normals,
        anomalies: PerlinTextures,
        anomalous: float = 0.5,
        adversary: PGDAdversary | None = None,
    ) -> None:
        self.module = network
        self.normals, self.anomalies = normals, anomalies
        self.anomalous, self.adversary = anomalous, adversary

    def batch(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Draw (images (B, 3, H, W) uint8, foreground (B, 1, H, W) bool, anomalous (B,), seeds)."""
        x, where = self.normals.drawn(size, generator)
        anomalous = torch.arange(size) >= size - max(1, round(self.anomalous * size))
        order = torch.randperm(size, generator=generator)  # so that each device has both
        return x, where, anomalous[order], draw_seeds(size, generator)

    def loss(self, *batch: Tensor) -> Tensor:
        """Return the mean loss of the images of a batch."""
        images, where, anomalous, seeds = batch
        generator = generator_of(seeds, images.device)
        normal = images.float() / 255
        with torch.autocast(images.device.type, enabled=False):
            shown, masks = self.normals.some(normal, where, anomalous, self.anomalies, generator)
        if self.adversary is not None:
            objective = FocalObjective(self.module, masks)
            shown = self.adversary.perturb(self.module, objective, shown, generator)
        rebuilt, logits = self.module(shown)
        with torch.autocast(images.device.type, enabled=False):
            rebuilt, logits = rebuilt.float(), logits.float()
            error = (rebuilt - normal).square().flatten(1).mean(1)
            total: Tensor = error + 1 - ssim(rebuilt, normal) + focal_loss(logits, masks)
            return total.mean()

    @torch.no_grad()
    def sample(self, module: DRAEMNetwork) -> Tensor:
        """Return a picture: anomalous images, their reconstructions, masks, predictions."""
        x, where, *_ = self.batch(8, Generator().manual_seed(0))
        device = next(module.parameters()).device
        x, where = x.to(device).float() / 255, where.to(device)
        every = torch.ones(len(x), dtype=torch.bool)
        generator = Generator(device).manual_seed(0)
        shown, masks = self.normals.some(x, where, every, self.anomalies, generator)
        rebuilt, logits = module(shown)
        return sheet(shown, rebuilt.float().clamp(0, 1), masks, logits.float().sigmoid())
