import pytest
import torch
from diffusers.models.upsampling import Upsample2D
from torch import autograd, nn

from hardsight.diffusion.fast import FastDenoiser
from hardsight.diffusion.upsample import Upsample, fold_upsampling


def pair(channels: int = 3, out: int = 5):
    torch.manual_seed(0)
    plain = Upsample2D(channels, use_conv=True, out_channels=out).double()
    return plain, Upsample(plain.conv).double()


@pytest.mark.parametrize("size", [(4, 4), (1, 1), (3, 6)])
def test_equals_doubling_and_convolving(size):
    plain, folded = pair()
    x = torch.rand(2, 3, *size, dtype=torch.float64)
    torch.testing.assert_close(folded(x), plain(x), rtol=0, atol=1e-13)


def test_gradients_of_input_and_weights_are_the_same():
    plain, folded = pair()
    x = torch.rand(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    pull = torch.rand(2, 5, 8, 10, dtype=torch.float64)
    of = (x, plain.conv.weight, plain.conv.bias)
    expected = autograd.grad((plain(x) * pull).sum(), of)
    for a, b in zip(autograd.grad((folded(x) * pull).sum(), of), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_other_convolutions_and_odd_sizes_are_refused():
    with pytest.raises(ValueError, match="3 x 3"):
        Upsample(nn.Conv2d(3, 3, 5, padding=2))
    with pytest.raises(ValueError, match="output_size"):
        pair()[1](torch.rand(1, 3, 2, 2), output_size=5)


def test_a_network_keeps_its_weights_and_its_output():
    torch.manual_seed(0)
    network = FastDenoiser(size=16, patch=1, channels=16).unet.double()
    assert not any(isinstance(m, Upsample2D) for m in network.modules())
    plain = type(network)(**network.config).double()
    plain.load_state_dict(network.state_dict())
    x = torch.rand(2, 3, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(network(x, 5.0).sample, plain(x, 5.0).sample, rtol=0, atol=1e-12)
    fold_upsampling(plain)
    assert plain.state_dict().keys() == network.state_dict().keys()
