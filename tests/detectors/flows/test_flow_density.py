"""Densities beside their closed forms, and scores beside the papers'."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Normal

from hardsight.core.modules import seeded
from hardsight.detectors.enlargement import Enlargement
from hardsight.detectors.flows.cflow_density import CFlowDensity
from hardsight.detectors.flows.density import Density, detect
from hardsight.detectors.flows.fastflow_density import FastFlowDensity
from hardsight.detectors.flows.positions import positional_encoding

CHANNELS, SIDES = (4, 6), (8, 4)


def levels(n: int, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        2 + 3 * torch.randn(n, c, side, side, generator=generator)
        for c, side in zip(CHANNELS, SIDES, strict=True)
    ]


def cflow() -> CFlowDensity:
    with seeded(0):
        return CFlowDensity(CHANNELS, SIDES, blocks=2, condition=8)


def fastflow() -> FastFlowDensity:
    with seeded(0):
        return FastFlowDensity(CHANNELS, blocks=2)


def identity(density: Density) -> Density:
    """Return a density whose flows permute and do no more."""
    for name, weights in density.named_parameters():
        if ".last." in name:
            weights.data.zero_()
    return density


def test_the_identity_of_cflow_gives_the_standard_normal_log_density():
    x = levels(3)
    for found, level in zip(identity(cflow())(x), x, strict=True):
        expected = Normal(0.0, 1.0).log_prob(level).mean(1, keepdim=True)
        torch.testing.assert_close(found, expected)


def test_the_identity_of_fastflow_gives_that_of_standardised_features_up_to_a_constant():
    x = levels(3)
    for found, level in zip(identity(fastflow())(x), x, strict=True):
        flat = level.flatten(1)
        mean, std = (f(dim=1).view(-1, 1, 1, 1) for f in (flat.mean, flat.std))
        expected = Normal(0.0, 1.0).log_prob((level - mean) / std).mean(1, keepdim=True)
        constant = math.log(2 * math.pi) / 2
        torch.testing.assert_close(found, expected + constant, rtol=0.02, atol=0.02)


def test_losses_are_those_of_the_papers():
    x = levels(3)
    density = cflow()
    values = [-F.logsigmoid(d).mean() for d in density.log_densities(x)]
    torch.testing.assert_close(density.loss(x), (values[0] + values[1]) / 2)
    other = fastflow()
    nats = sum(
        z.square().sum((1, 2, 3)) / 2 - log_det.sum((1, 2, 3)) for z, log_det in other.latents(x)
    )
    features = sum(level[0].numel() for level in x)
    torch.testing.assert_close(other.loss(x), nats.mean() / features)


def test_levels_of_cflow_are_compared_by_the_largest_density_of_training():
    density, x = cflow(), levels(5)
    density.compare_with([[level[:2] for level in x], [level[2:] for level in x]])
    assert [d.max().item() for d in density(x)] == [0.0, 0.0]


def test_the_score_orders_as_the_papers_do_and_never_saturates():
    generator = torch.Generator().manual_seed(0)
    fine = -torch.rand(6, 1, 8, 8, generator=generator) * 5
    coarse = -torch.rand(6, 1, 1, 1, generator=generator).expand(6, 1, 4, 4) * 5
    found = detect([fine, coarse], Enlargement(8, 8, sigma=0), top=0)
    probability = (fine.exp() + F.interpolate(coarse, (8, 8)).exp()) / 2
    torch.testing.assert_close(found.anomaly_map, -probability.log(), rtol=1e-4, atol=1e-4)
    order = (probability.max() - probability).flatten(1).amax(1).argsort()
    assert torch.equal(found.pred_score.argsort(), order)
    far = torch.full((1, 1, 8, 8), -1e4, requires_grad=True)
    detect([far, far], Enlargement(8, 16, sigma=0), top=0.1).pred_score.sum().backward()
    assert far.grad is not None
    assert float(far.grad.sum()) == pytest.approx(-1, rel=1e-3)


def test_the_score_is_the_mean_of_the_highest_share_of_pixels():
    enlarged, x = Enlargement(4, 4, sigma=0), -torch.arange(16.0).view(1, 1, 4, 4)
    scores = [float(detect([x], enlarged, top).pred_score) for top in (0, 0.25, 1)]
    assert scores == pytest.approx([15, 13.5, 7.5])


def test_a_place_is_encoded_by_its_column_and_its_row():
    found = positional_encoding(8, 5)
    for row in range(5):
        for column in range(5):
            waves = [
                f(n * 1e4 ** (-k / 2))
                for n in (column, row)
                for k in (0, 1)
                for f in (math.sin, math.cos)
            ]
            assert found[0, :, row, column].tolist() == pytest.approx(waves, abs=1e-6)
    with pytest.raises(ValueError, match="multiple of 4, got 6"):
        positional_encoding(6, 5)
