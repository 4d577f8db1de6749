import pytest
import torch

from hardsight.detectors import AdvRAD


@pytest.fixture
def advrad():
    """A seeded, untrained AdvRAD of 16 x 16 pixels, in single precision."""
    denoiser = {"name": "fast", "channels": 8, "multipliers": [1, 1], "patch": 2}
    detector = AdvRAD(denoiser, image_size=16, draws=2, filter_size=3, precision="fp32")
    generator = torch.Generator().manual_seed(1)
    detector.fit_reference(0.1 * torch.rand(8, 1, 16, 16, generator=generator))
    return detector.eval()
