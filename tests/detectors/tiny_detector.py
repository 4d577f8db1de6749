import torch

from hardsight.core.modules import seeded
from hardsight.detectors import AdvRAD, Bastion, ReferenceStatistics

TINY = {"name": "fast", "channels": 8, "multipliers": [1, 1], "patch": 2}

HEAD = {"channels": 8, "multipliers": [1, 1], "patch": 2}

SMALL = {"denoiser": TINY, "image_size": 16, "filter_size": 3, "precision": "fp32"}


def images(n: int = 3, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Seeded images of 16 x 16 pixels."""
    return torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(5), dtype=dtype)


def untrained_advrad(**settings) -> AdvRAD:
    """A seeded AdvRAD of 16 x 16 pixels, in single precision, as before any fit."""
    return AdvRAD.from_settings(SMALL | settings)


def untrained_bastion(**settings) -> Bastion:
    """The same of a Bastion."""
    return Bastion.from_settings(SMALL | {"head": HEAD} | settings)


def tiny_advrad(**settings) -> AdvRAD:
    """An untrained AdvRAD that knows some errors."""
    detector = untrained_advrad(**settings)
    g = torch.Generator().manual_seed(1)
    size = detector.image_size
    return referred(detector, 0.1 * torch.rand(8, 1, size, size, generator=g)).eval()


def tiny_bastion(**settings) -> Bastion:
    """The same of a Bastion, whose head is not only the error's."""
    detector = untrained_bastion(**settings)
    with seeded(1):
        torch.nn.init.normal_(detector.head.unet.conv_out.weight, std=0.3)
        detector.head.fit_reference(torch.randn(8, 1, 8, 8))
        return referred(detector, 0.1 * torch.rand(8, 1, 16, 16)).eval()


def referred(detector, errors):
    """A detector that compares errors with those given, (N, 1, H, W)."""
    statistics = ReferenceStatistics.of(errors, detector.scoring.filter_size)
    return detector.with_scoring(detector.scoring, statistics)
