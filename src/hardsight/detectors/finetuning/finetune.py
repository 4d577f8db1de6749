"""From a pretrained backbone to one that is hard to attack."""

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from hardsight.attacks import PGD, Linf
from hardsight.augment import Augment, AugmentationPolicy
from hardsight.backbones import Backbone
from hardsight.detectors.finetuning.task import FineTuningTask
from hardsight.detectors.fitted import Work
from hardsight.training import Settings


class FineTuning(BaseModel):
    """Configure adversarial fine-tuning of a backbone (FARE)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    eps: float = Field(4 / 255, gt=0, le=1)
    """L-inf radius of the attack in [0, 1] pixel units; the paper's are 2/255 and 4/255."""
    attack_steps: int = Field(3, ge=1)
    """PGD steps from a random start; the paper takes 10."""
    augment: Augment = "none"
    """How images are changed, see ``hardsight.augment.AugmentationPolicy.of``."""
    training: Settings = Settings(
        steps=400, batch_size=4, lr=3e-4, weight_decay=1e-4, ema_decay=0.99, sample_every=None
    )
    """Training of the backbone's weights."""

    @property
    def attack(self) -> PGD:
        """The attack on the images of a batch."""
        return PGD(Linf(self.eps), steps=self.attack_steps)


def finetune_backbone(
    backbone: Backbone, images: Tensor, config: FineTuning | None = None, work: Work | None = None
) -> Backbone:
    """Return a copy of a backbone whose features an attack moves less (FARE).

    Its ``save`` writes a .safetensors file to be named as ``weights`` of a detector's backbone:
    PatchCore, SimpleNet and others on it are then what PatchGuard's supplement E compares with.

    Args:
        backbone: left as it is; its ``pretrained`` weights are where the training begins.
        images: (N, 3, H, W) uint8 of any sort; normal images of what is inspected will do.
        config: how.
        work: where.

    Raises:
        BackboneError: there are no such weights.
        KeyboardInterrupt: after Ctrl-C, once a checkpoint is written.
        ValueError: images of another type or shape, or none.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3 or not len(images):
        raise ValueError(
            f"images must be (N, 3, H, W) uint8, N >= 1, got {tuple(images.shape)} "
            f"{images.dtype}; give (x * 255).round().byte() of floats in [0, 1]"
        )
    config = config or FineTuning()
    found = backbone.pretrained()
    policy = AugmentationPolicy.of(images, config.augment)
    task = FineTuningTask(found, images, policy, config.attack)
    with (work or Work()).opened() as place:
        place.train(task, config.training, "fine-tuning")
    return found.requires_grad_(False)
