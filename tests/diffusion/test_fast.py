import math

import pytest
import torch
from tiny_denoisers import normal, tiny_fast
from torch import nn

from hardsight.diffusion.denoisers import FastDenoiser

TINY = {"size": 16, "channels": 8, "multipliers": (1, 2), "blocks": 1, "attention_size": 8}


def test_fast_shapes_and_widths_that_16_groups_do_not_divide():
    denoiser = FastDenoiser(8, channels=12, multipliers=(1, 1), image_channels=1)
    assert denoiser(normal(3, 1, 8, 8), torch.tensor([1, 500, 1000])).shape == (3, 1, 8, 8)
    with pytest.raises(ValueError, match=r"x must have shape \(B, 1, 8, 8\)"):
        denoiser(normal(3, 3, 8, 8), 5)


def test_fast_preconditioning_is_the_published_one():
    """The U-Net sees the folded image over sqrt(sigma^2 + 1/4), and 250 ln sigma as its time."""

    class Recorder(nn.Module):
        def forward(self, sample, timestep):
            self.seen = sample, timestep
            return type("Output", (), {"sample": sample})

    denoiser = tiny_fast()
    denoiser.unet = recorder = Recorder()
    x, sigma = normal(2, 3, 16, 16), torch.tensor([0.1, 2.0])
    out = denoiser.denoise(x, sigma)
    folded, time = recorder.seen
    scale = torch.tensor([1 / math.sqrt(0.01 + 0.25), 1 / math.sqrt(4 + 0.25)]).reshape(2, 1, 1, 1)
    torch.testing.assert_close(out, x * scale)
    assert folded.shape == (2, 12, 8, 8)
    torch.testing.assert_close(folded[:, 0], (x * scale)[:, 0, ::2, ::2])
    torch.testing.assert_close(time, 250 * sigma.log())


def test_fast_training_loss_by_hand():
    denoiser = tiny_fast()
    x0 = normal(3, 3, 16, 16).clamp(-1, 1)
    randomness = denoiser.draw(x0.shape, torch.Generator().manual_seed(1))
    sigma, noise = randomness
    found = denoiser.training_loss(x0, randomness).detach()
    for i in range(3):
        s = float(sigma[i])
        error = denoiser.denoise(x0[i : i + 1] + s * noise[i], s) - x0[i]
        expected = float((error**2).detach().mean()) / (s**2 + 0.01)
        assert float(found[i]) == pytest.approx(expected, rel=1e-4)


def test_fast_noise_levels_are_log_normal():
    denoiser = tiny_fast(log_sigma_mean=-1.1, log_sigma_std=0.5)
    sigma, _ = denoiser.draw(torch.Size((20_000, 1, 1, 1)), torch.Generator().manual_seed(0))
    assert float(sigma.log().mean()) == pytest.approx(-1.1, abs=0.015)
    assert float(sigma.log().std()) == pytest.approx(0.5, abs=0.015)


def test_the_fast_network_serves_other_sizes_with_the_same_weights():
    denoiser = FastDenoiser(32, patch=2, channels=8, multipliers=(1, 1))
    small, alone = denoiser.at(16), FastDenoiser(16, patch=2, channels=8, multipliers=(1, 1))
    alone.load_state_dict(denoiser.state_dict())
    x = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(small(x, 50), alone(x, 50))
    assert (small.config["size"], denoiser.config["size"]) == (16, 32)
    with pytest.raises(ValueError, match=r"size must be a multiple of .* = 4, got 18"):
        denoiser.at(18)
