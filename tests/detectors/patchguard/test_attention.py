import math

import pytest
import torch
from tiny_patchguard import TINY, images, tiny_patchguard

from hardsight.detectors.patchguard.attention import (
    REGULARISERS,
    attention_degree,
    recorded_inputs,
    soft_degree,
)
from hardsight.detectors.patchguard.sparse import block_sparse


def attention(n: int = 6, sharp: float = 2.0) -> torch.Tensor:
    g = torch.Generator().manual_seed(0)
    return (sharp * torch.randn(2, 3, n, n, generator=g)).softmax(-1)


def test_degree_counts_by_hand():
    rows = torch.tensor([[0.7, 0.1, 0.1, 0.1], [0.25] * 4, [0.4, 0.4, 0.1, 0.1], [1.0, 0, 0, 0]])
    assert attention_degree(rows[None, None]).tolist() == [[[1, 0, 2, 1]]]  # above, not at, 1/4
    assert attention_degree(rows[None, None], delta=0.2).tolist() == [[[4, 4, 4, 1]]]


def test_soft_degree_tends_to_the_degree():
    a = attention()
    exact = attention_degree(a).float()
    errors = [float((soft_degree(a, tau=t) - exact).abs().mean()) for t in (0.5, 0.05, 1e-5)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.05


def test_regularisers_are_least_at_uniform_attention():
    n = 6
    uniform = torch.full((2, 3, n, n), 1 / n)
    onehot = torch.eye(n).expand(2, 3, n, n)
    assert REGULARISERS["kl-row"](uniform, 1.0, 0.01).abs().max() < 1e-5
    for name in ("kl-row", "kl-mean"):
        assert (REGULARISERS[name](attention(), 1.0, 0.01) > 0).all()
        assert (REGULARISERS[name](onehot, 1, 1) > REGULARISERS[name](attention(), 1, 1)).all()
    wide = REGULARISERS["soft-degree"](uniform, 0.5, 0.02)
    torch.testing.assert_close(wide, torch.zeros(2), atol=1e-4, rtol=0)
    few = REGULARISERS["soft-degree"](onehot, 0.5, 0.02)
    torch.testing.assert_close(few, torch.full((2,), 1 - 1 / n), atol=1e-4, rtol=0)


def test_kl_row_is_the_divergence_and_kl_mean_as_much_smaller_as_there_are_tokens():
    a = attention()
    u = torch.full_like(a, 1 / 6)
    expected = torch.nn.functional.kl_div((a + 1e-8).log(), u, reduction="none").sum(-1)
    found = REGULARISERS["kl-row"](a, 1.0, 0.01)
    torch.testing.assert_close(found, expected.flatten(1).mean(1))
    torch.testing.assert_close(REGULARISERS["kl-mean"](a, 1.0, 0.01), found / 6)


def test_as_released_the_regulariser_is_negligible():
    """One-hot attention over 256 patches at all three layers: at most 0.0033 (FACTS 1.4)."""
    onehot = torch.eye(256)[None, None]
    most = 0.065 * float(REGULARISERS["kl-mean"](onehot, 1.0, 0.01))
    assert 0.002 < most < 0.0034


@pytest.mark.parametrize("name", REGULARISERS)
def test_gradients_raise_the_degree(name):
    logits = (3 * torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(0))).double()
    before = attention_degree(logits.softmax(-1)).float().mean()
    for _ in range(200):
        x = logits.requires_grad_(True)
        loss = REGULARISERS[name](x.softmax(-1), 0.5, 0.25).sum()
        (slope,) = torch.autograd.grad(loss, x)
        logits = (x - 0.5 * slope / slope.abs().max()).detach()
    assert attention_degree(logits.softmax(-1), 0.5).float().mean() > before + 1


@pytest.mark.parametrize("sparse", [False, True])
def test_the_weights_times_the_values_are_what_the_layer_returns(sparse):
    backbone = TINY | ({"name": "bigbird", "sparse": {"block": 4}} if sparse else {})
    vit = tiny_patchguard(backbone=backbone).network.network
    layer = vit.vit.blocks[1].attn
    with recorded_inputs([layer]) as inputs:
        vit((images() - 0.5) / 0.2)
    x = inputs[layer]
    a = layer.weights(x, vit.mask)
    torch.testing.assert_close(a.sum(-1), torch.ones_like(a[..., 0]))
    b, n, d = x.shape
    v = layer.qkv(x).view(b, n, 3, layer.num_heads, -1)[:, :, 2].transpose(1, 2)
    expected = layer.proj((a @ v).transpose(1, 2).reshape(b, n, d))
    torch.testing.assert_close(layer(x, attn_mask=vit.mask), expected, atol=1e-5, rtol=1e-4)
    if sparse:
        assert (a[..., ~vit.mask] == 0).all()
    assert not layer._forward_pre_hooks  # the recording has ended


def test_big_birds_pattern():
    mask = block_sparse(20, prefix=1, block=4, window=3, random=1, general=1)
    assert mask[0].all()
    assert mask[:, 0].all()
    patches = mask[1:, 1:]
    assert patches[:4].all()
    assert patches[:, :4].all()
    assert patches.diagonal().all()
    blocks = patches.view(5, 4, 5, 4).permute(0, 2, 1, 3).flatten(2).float()
    assert set(blocks.mean(-1).unique().tolist()) == {0.0, 1.0}  # blocks whole or not at all
    allowed = blocks.mean(-1).sum(1)
    assert allowed.max() == 5
    assert (allowed[1:] <= 3 + 1 + 1).all()
    assert torch.equal(mask, block_sparse(20, 1, block=4))
    assert block_sparse(10, 0, block=4).shape == (10, 10)  # a short last block
    with pytest.raises(ValueError, match="odd window"):
        block_sparse(16, 1, window=2)


def test_degrees_of_a_detector_by_layer():
    detector = tiny_patchguard()
    found = detector.degrees(images(), (1, -1, "discriminator"), delta=0.9)
    assert found.shape == (3, 3)
    assert ((found > 0) & (found <= 16)).all()
    swapped = detector.degrees(images(), ("discriminator", -1, 1), delta=0.9)
    torch.testing.assert_close(swapped, found.flip(0))
    assert math.isclose(float(detector.degrees(images(), (2,), delta=1e-6).mean()), 16)
    with pytest.raises(ValueError, match="layer=4"):
        detector.degrees(images(), (4,))
