import numpy as np
import pytest
import torch
from tiny_discriminator import check_what_learns, generator, images, tiny_discriminator

from hardsight.augment import AugmentationPolicy
from hardsight.detectors.discriminative.simplenet_task import (
    FeatureAdversary,
    FeatureNoise,
    SimpleNetTask,
    hinge,
)


def task(adversary=None, **settings) -> SimpleNetTask:
    stored = (images(6) * 255).byte()
    policy = AugmentationPolicy(6)
    noise = FeatureNoise(std=0.3)
    return SimpleNetTask(tiny_discriminator(**settings), stored, policy, noise, 0.5, adversary)


def test_hinge_is_its_formula():
    logits = torch.randn(4, 1, 3, 2, generator=generator(), dtype=torch.float64)
    anomalous = torch.rand(logits.shape, generator=generator(1)) < 0.5
    z = logits.numpy()
    by_hand = np.where(anomalous.numpy(), np.maximum(0, 0.5 - z), np.maximum(0, 0.5 + z)).mean(
        (1, 2, 3)
    )
    np.testing.assert_allclose(hinge(logits, anomalous, 0.5).numpy(), by_hand)


def test_the_loss_is_that_of_features_and_of_the_same_with_noise():
    mine = task()
    rows = mine.batch(3, generator())
    detector = mine.detector
    q = detector.judge.adapted(detector.features(rows[0] / 255))
    noise = torch.randn(q.shape, generator=generator(int(rows[1][0])))
    normal, noisy = (detector.judge.discriminator(f) for f in (q, q + 0.3 * noise))
    right = (0.5 + normal).relu().mean() + (0.5 - noisy).relu().mean()
    torch.testing.assert_close(mine.loss(*rows), right)


def test_masked_noise_is_in_shapes_and_the_rest_stays_normal():
    features = torch.zeros(6, 5, 16, 16)
    noise, where = FeatureNoise(std=0.3, masked=True).drawn(features, generator())
    assert torch.equal((noise != 0).any(1, keepdim=True), where)
    assert 0 < where.float().mean() < 0.6
    assert float(noise[where.expand_as(noise)].std()) == pytest.approx(0.3, rel=0.1)
    half, _ = FeatureNoise(std=0.3, masked=True).drawn(features.bfloat16(), generator())
    assert torch.equal((half != 0).any(1, keepdim=True), where)  # the same shapes in 16 bits
    whole, everywhere = FeatureNoise(std=0.3).drawn(features, generator())
    assert everywhere.all()
    assert torch.equal(whole, 0.3 * torch.randn(features.shape, generator=generator()))


def test_an_adversary_takes_a_linear_discriminator_as_far_as_its_ball_goes():
    """The best L-inf gain of w.x is eps times the sum of |w|, up for normal and down for others."""
    linear = torch.nn.Conv2d(5, 1, 1, bias=False)
    features = torch.randn(4, 5, 2, 2, generator=generator())
    anomalous = torch.rand(4, 1, 2, 2, generator=generator(1)) < 0.5
    shift = FeatureAdversary(eps=0.2, steps=3).perturb(linear, features, anomalous)
    gain = 0.2 * linear.weight.abs().sum()
    moved = linear(features + shift) - linear(features)
    torch.testing.assert_close(moved, torch.where(anomalous, -gain, gain))
    assert not shift.requires_grad


@pytest.mark.parametrize("adversary", [None, FeatureAdversary(eps=0.1, steps=2)])
def test_adaptor_and_discriminator_learn_and_the_backbone_does_not(adversary):
    check_what_learns(task(adversary))
