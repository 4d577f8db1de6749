import torch

from hardsight.core.modules import seeded
from hardsight.detectors.discriminative.patch_discriminator import PatchDiscriminator

BACKBONE = {"weights": "random", "taps": [0, 1]}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 3, size: int = 16) -> torch.Tensor:
    return 0.2 + 0.6 * torch.rand(n, 3, size, size, generator=generator(5))


def tiny_discriminator(**settings) -> PatchDiscriminator:
    """A seeded, untrained discriminator of 16 x 16 pixels in 8 x 8 patches, on random features."""
    given = {"backbone": BACKBONE, "image_size": 16, "hidden": 8, "sigma": 1.0, "precision": "fp32"}
    detector = PatchDiscriminator(**given | settings).eval()
    detector.judge.standardise([detector.features(images(8)).detach()])
    with seeded(1):
        torch.nn.init.normal_(detector.judge.discriminator[-1].weight)
    return detector


def check_what_learns(task) -> None:
    """All of adaptor and discriminator gets a gradient of the task's loss, the backbone none."""
    task.module.train()
    task.loss(*task.batch(4, generator())).backward()
    for name, p in task.module.named_parameters():
        assert p.grad is not None, name
        assert p.grad.isfinite().all(), name
    assert all(p.grad is None for p in task.detector.backbone.parameters())
