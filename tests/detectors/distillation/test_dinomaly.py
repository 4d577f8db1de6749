"""Dinomaly: its attention, its groups of features, any backbone's grid."""

import pytest
import torch
import torch.nn.functional as F
from tiny_students import BACKBONE, images, tiny

from hardsight.detectors import Dinomaly
from hardsight.detectors.distillation.dinomaly import demand_groups
from hardsight.detectors.distillation.linear_attention import LinearAttention

VIT = {
    "name": "test_vit", "weights": "random", "taps": [0, 1, 2, 3], "options": {"img_size": 64},
}  # fmt: skip


def test_linear_attention_is_a_weighted_mean_of_values():
    attention = LinearAttention(8, heads=2)
    x = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(0))
    q, k, v = attention.qkv(x).chunk(3, dim=-1)
    heads = []
    for i in (0, 1):
        part = slice(4 * i, 4 * i + 4)
        weights = (F.elu(q[..., part]) + 1) @ (F.elu(k[..., part]) + 1).transpose(1, 2)
        heads.append(weights / weights.sum(-1, keepdim=True) @ v[..., part])
    torch.testing.assert_close(attention(x), attention.projected(torch.cat(heads, dim=-1)))


def test_features_of_a_vit_are_averaged_in_two_halves():
    detector = Dinomaly(VIT, image_size=64, precision="fp32").eval()
    x = images(2, 64)
    levels = detector.teacher(x)
    expected, found = detector.features(x)
    torch.testing.assert_close(expected[0], (levels[0] + levels[1]) / 2)
    torch.testing.assert_close(expected[1], (levels[2] + levels[3]) / 2)
    assert detector.student.plain
    tokens = ((expected[0] + expected[1]) / 2).flatten(2).transpose(1, 2)
    outputs = [detector.student.bottleneck(tokens)]
    for block in detector.student.blocks:
        outputs.append(block(outputs[-1]))
    last, first = (outputs[4] + outputs[3]) / 2, (outputs[2] + outputs[1]) / 2
    for level, right in zip(found, (last, first), strict=True):
        torch.testing.assert_close(level.flatten(2).transpose(1, 2), right)


def test_features_of_several_scales_come_to_one_grid_each_alone():
    detector = tiny("dinomaly", backbone=BACKBONE | {"taps": [1, 2]})
    levels = detector.teacher(images())
    expected, found = detector.features(images())
    assert [level.shape for level in levels] == [(3, 32, 8, 8), (3, 48, 4, 4)]
    assert [level.shape for level in found] == [(3, 32, 8, 8), (3, 48, 8, 8)]
    larger = F.interpolate(levels[1], (8, 8), mode="bilinear")
    torch.testing.assert_close(expected, [levels[0], larger])


def test_groups_are_checked():
    assert demand_groups(None, (8, 8, 8)) == ((0,), (1, 2))
    assert demand_groups(None, (8, 16)) == ((0,), (1,))
    assert demand_groups([[0, 1]], (8, 8)) == ((0, 1),)
    for groups in ([[0, 1]], [[2]], [[]], []):
        with pytest.raises(ValueError, match=r"channels, which are \[8, 16\]"):
            demand_groups(groups, (8, 16))


@pytest.mark.parametrize("settings", [{"depth": 1}, {"heads": 5}])
def test_a_decoder_that_cannot_be_is_named(settings):
    with pytest.raises(ValueError, match=r"depth >= 2, .* multiple of heads"):
        Dinomaly(VIT, image_size=64, **settings)
