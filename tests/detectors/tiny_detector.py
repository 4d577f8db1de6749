import torch

from hardsight.core.modules import seeded
from hardsight.detectors import AdvRAD, Bastion

TINY = {"name": "fast", "channels": 8, "multipliers": [1, 1], "patch": 2}

HEAD = {"channels": 8, "multipliers": [1, 1], "patch": 2}


def tiny_advrad(**settings) -> AdvRAD:
    """A seeded, untrained AdvRAD of 16 x 16 pixels, in single precision."""
    settings = {"image_size": 16, "filter_size": 3, "precision": "fp32"} | settings
    detector = AdvRAD(denoiser=TINY, **settings)
    g = torch.Generator().manual_seed(1)
    detector.fit_reference(0.1 * torch.rand(8, 1, 16, 16, generator=g))
    return detector.eval()


def tiny_bastion(**settings) -> Bastion:
    """The same of a Bastion, whose head is not only the error's."""
    settings = {"image_size": 16, "filter_size": 3, "precision": "fp32"} | settings
    detector = Bastion(denoiser=TINY, head=HEAD, **settings)
    with seeded(1):
        torch.nn.init.normal_(detector.head.unet.conv_out.weight, std=0.3)
        detector.head.fit_reference(torch.randn(8, 1, 8, 8))
        detector.fit_reference(0.1 * torch.rand(8, 1, 16, 16))
    return detector.eval()
