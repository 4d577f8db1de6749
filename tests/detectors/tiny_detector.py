import torch

from hardsight.detectors import AdvRAD

TINY = {"name": "fast", "channels": 8, "multipliers": [1, 1], "patch": 2}


def tiny_advrad(**settings) -> AdvRAD:
    """A seeded, untrained AdvRAD of 16 x 16 pixels, in single precision."""
    settings = {"image_size": 16, "filter_size": 3, "precision": "fp32"} | settings
    detector = AdvRAD(denoiser=TINY, **settings)
    g = torch.Generator().manual_seed(1)
    detector.fit_reference(0.1 * torch.rand(8, 1, 16, 16, generator=g))
    return detector.eval()
