import pytest
import torch
from torch import Tensor, nn

from hardsight.attacks import Checkpointed, checkpointed
from hardsight.diffusion.base import Denoiser, Prediction
from hardsight.diffusion.gaussian import learned_log_variance
from hardsight.diffusion.reconstruct import arbitrary_shot, full_shot
from hardsight.diffusion.schedule import Schedule


class Small(Denoiser):
    """A smooth network with a learned variance and more activations than input."""

    def __init__(self) -> None:
        super().__init__(Schedule.linear(T=40, start=0.01, end=0.2))
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            self.net = nn.Sequential(
                nn.Conv2d(2, 16, 3, padding=1), nn.SiLU(), nn.Conv2d(16, 4, 3, padding=1)
            ).double()

    def forward(self, x_t, t):
        return self.predict(x_t, t).x0

    def predict(self, x_t, t):
        x0, v = torch.tanh(self.net(x_t)).chunk(2, dim=1)
        return Prediction(x0, learned_log_variance(v, self.schedule, t))


class Holder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.denoiser = Small()


def normal(*shape: int, seed: int = 0) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=g, dtype=torch.float64)


CHAINS = {
    "full": lambda denoiser, x: full_shot(denoiser, x, 15, normal(2, 15, 2, 6, 6, seed=1)),
    "arbitrary": lambda denoiser, x: arbitrary_shot(
        denoiser, x, range(2, 32, 2), normal(2, 15, 2, 6, 6, seed=1)
    ),
}


def attacked(chain, holder: Holder, x: Tensor) -> tuple[Tensor, Tensor, int]:
    """Value and gradient of an error, and the bytes autograd kept between the passes."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    x = x.clone().requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        value = (x - chain(holder.denoiser, x)).square().sum()
    (gradient,) = torch.autograd.grad(value, x)
    return value.detach(), gradient, sum(kept.values())


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_gradient_of_a_long_chain_is_the_unchecked_one_in_a_fraction_of_the_memory(chain):
    holder, x = Holder(), normal(2, 2, 6, 6)
    holder.requires_grad_(False)
    value, gradient, whole = attacked(chain, holder, x)
    with checkpointed(holder, "denoiser"):
        assert isinstance(holder.denoiser, Checkpointed)
        same, found, kept = attacked(chain, holder, x)
    assert torch.equal(same, value)
    torch.testing.assert_close(found, gradient, atol=1e-8, rtol=1e-8)
    assert gradient.abs().max() > 0.1
    assert kept < 0.35 * whole


def test_without_gradients_it_is_the_module():
    denoiser, x = Small(), normal(1, 2, 4, 4)
    with torch.no_grad():
        assert torch.equal(Checkpointed(denoiser)(x, 3), denoiser(x, 3))
        assert torch.equal(Checkpointed(denoiser).predict(x, 3).x0, denoiser(x, 3))


def test_dropout_is_replayed():
    """Torch's global generator is restored for the second pass."""
    module, x = nn.Sequential(nn.Dropout(0.5)), torch.ones(1, 1, 50, 50, requires_grad=True)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        out = Checkpointed(module)(x)
        (gradient,) = torch.autograd.grad(out.sum(), x)
    assert torch.equal(gradient, out)
