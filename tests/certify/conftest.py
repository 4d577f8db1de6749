import pytest
import torch

from hardsight.detectors import AdvRAD, ReferenceStatistics, Scoring


@pytest.fixture
def advrad():
    """A seeded, untrained AdvRAD of 16 x 16 pixels, in single precision."""
    denoiser = {"name": "fast", "channels": 8, "multipliers": [1, 1], "patch": 2}
    scoring = Scoring(draws=2, filter_size=3)
    detector = AdvRAD(denoiser, 16, scoring, precision="fp32")
    generator = torch.Generator().manual_seed(1)
    errors = 0.1 * torch.rand(8, 1, 16, 16, generator=generator)
    return detector.with_scoring(scoring, ReferenceStatistics.of(errors, 3)).eval()
