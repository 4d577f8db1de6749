"""Couplings and flows beside autograd's Jacobian, and their inverses."""

import pytest
import torch
from torch import nn

from hardsight.core.modules import seeded
from hardsight.detectors.flows import Coupling, Flow

CONDITION = 4


def shuffled(module: nn.Module) -> nn.Module:
    """Return a module in double precision whose weights are all far from their first values."""
    generator = torch.Generator().manual_seed(1)
    for weights in module.double().parameters():
        weights.data += 0.5 * torch.randn(weights.shape, generator=generator, dtype=torch.float64)
    return module


def maps(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("channels", [2, 5, 6])
@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("condition", [0, CONDITION])
def test_the_inverse_takes_back_and_the_log_determinant_is_that_of_the_jacobian(
    channels, kernel, condition
):
    with seeded(0):
        flow = shuffled(Flow(channels, (kernel, 1, kernel), 8, 1.9, condition))
    x = maps(2, channels, 3, 3)
    place = maps(1, condition, 3, 3, seed=2) if condition else None
    z, log_det = flow(x, place)
    torch.testing.assert_close(flow.inverse(z, place), x)
    for i in range(len(x)):
        jacobian = torch.autograd.functional.jacobian(lambda v: flow(v, place)[0], x[i : i + 1])
        found = torch.linalg.slogdet(jacobian.reshape(x[0].numel(), -1)).logabsdet
        torch.testing.assert_close(log_det[i].sum(), found)


def test_a_flow_of_single_patches_has_the_log_determinant_of_each():
    with seeded(0):
        flow = shuffled(Flow(4, (1, 1), 8, 1.9, CONDITION))
    x, place = maps(1, 4, 2, 3), maps(1, CONDITION, 2, 3, seed=2)
    _, log_det = flow(x, place)
    for i in range(2):
        for j in range(3):
            patch, here = x[..., i : i + 1, j : j + 1], place[..., i : i + 1, j : j + 1]
            jacobian = torch.autograd.functional.jacobian(
                lambda v, here=here: flow(v, here)[0], patch
            )
            found = torch.linalg.slogdet(jacobian.reshape(4, 4)).logabsdet
            torch.testing.assert_close(log_det[0, 0, i, j], found)


def test_the_condition_is_seen_as_channels_beside_the_kept_half():
    with seeded(0):
        block = shuffled(Coupling(4, 8, 3, 2.0, CONDITION))
    x, place = maps(3, 4, 5, 5), maps(1, CONDITION, 5, 5, seed=2)
    together = torch.cat((x[:, :2], place.expand(3, -1, -1, -1)), 1)
    h = nn.functional.conv2d(together, block.first.weight, block.first.bias, padding=1).relu()
    log_s, t = (0.1 * block.last(h)).chunk(2, 1)
    log_s = 2.0 * log_s.tanh()
    y = torch.cat((x[:, :2], x[:, 2:] * log_s.exp() + t), 1)
    y = y * block.norm.log_scale.exp() + block.norm.offset
    torch.testing.assert_close(block(x, place)[0], y[:, block.order])


def test_the_scale_is_clamped():
    with seeded(0):
        block = Coupling(2, 8, 1, 1.5)
    block.last.bias.data.fill_(1e6)
    _, log_det = block(torch.randn(1, 2, 1, 1))
    assert float(log_det.detach().sum()) == pytest.approx(1.5)


def test_an_untrained_block_of_no_last_layer_permutes():
    with seeded(0):
        block = Coupling(6, 8, 3, 2.0)
    block.last.weight.data.zero_()
    block.last.bias.data.zero_()
    x = torch.randn(2, 6, 4, 4)
    y, log_det = block(x)
    assert torch.equal(y, x[:, block.order])
    assert torch.equal(log_det, torch.zeros(2, 1, 4, 4))


def test_a_flow_starts_with_standardised_channels():
    flow = Flow(3, (), 8, 2.0)
    x = maps(16, 3, 4, 4) * torch.tensor([0.1, 1.0, 30.0]).view(3, 1, 1) + 7
    x[:, 0] = 4.0  # a channel without spread stays finite
    flow.double().norm.start(x)
    z, log_det = flow(x)
    assert z[:, 0].abs().max() < 1e-6
    torch.testing.assert_close(z[:, 1:].mean((0, 2, 3)), torch.zeros(2).double())
    torch.testing.assert_close(z[:, 1:].std((0, 2, 3)), torch.ones(2).double())
    assert log_det.isfinite().all()
