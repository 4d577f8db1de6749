import torch
from torch import nn

from hardsight.core.capabilities import averaged_draws, bypass_of, draws_noise, sample_noise


class Noisy(nn.Module):
    draws = 3
    bypass = ("part", None)

    def sample_noise(self, images, generator=None):
        return torch.randn(images.shape, generator=generator)


class PassesOn(nn.Module):
    """As a compiled module, it has no attribute of its own."""

    def __init__(self, module):
        super().__init__()
        self.inner = module

    def __getattr__(self, name):
        return super().__getattr__(name) if name == "inner" else getattr(self.inner, name)


def test_what_a_model_offers_is_used():
    x = torch.zeros(2, 3, 4, 4)
    drawn = sample_noise(Noisy(), x, torch.Generator().manual_seed(0))
    assert torch.equal(drawn, torch.randn(x.shape, generator=torch.Generator().manual_seed(0)))
    assert averaged_draws(Noisy()) == 3
    assert bypass_of(Noisy()) == ("part", None)
    assert draws_noise(PassesOn(Noisy()))


def test_what_it_does_not_offer_is_not_missed():
    plain = nn.Identity()
    assert sample_noise(plain, torch.zeros(1, 1, 1, 1), None) is None
    assert averaged_draws(plain) == 1
    assert bypass_of(plain) is None
    assert not draws_noise(plain)
