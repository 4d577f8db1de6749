import pytest
import torch
import torch.nn.functional as F
from tiny_discriminator import check_what_learns, generator, images, tiny_discriminator

from hardsight.detectors.adversary import PGDAdversary
from hardsight.detectors.discriminative.glass_task import (
    GLASSTask,
    GlobalAnomalies,
    PatchLoss,
)
from hardsight.detectors.discriminative.losses import focal_loss
from hardsight.detectors.discriminative.normals import Normals
from hardsight.synthesis import PerlinTextures


def task(adversary=None, **settings) -> GLASSTask:
    normals = Normals.of((images(6) * 255).byte(), "none", "all")
    local, world = PerlinTextures(opacity=(0.2, 0.8)), GlobalAnomalies(noise=0.3, steps=3)
    return GLASSTask(tiny_discriminator(**settings), normals, local, world, adversary)


@pytest.mark.parametrize("steps", [1, 6])
def test_global_anomalies_keep_their_distance(steps):
    judge = tiny_discriminator().judge
    normal = torch.randn(3, 40, 4, 4, generator=generator())
    maker = GlobalAnomalies(noise=0.3, furthest=1.5, steps=steps, step_size=0.7)
    shift = maker.shift(judge.discriminator, normal, generator(1))
    length = shift.square().mean(1).sqrt()
    assert length.min() >= 0.3 - 1e-5
    assert length.max() <= 0.45 + 1e-5


def test_the_ascent_moves_to_where_the_discriminator_sees_nothing():
    judge = tiny_discriminator().judge
    normal = torch.randn(3, 40, 4, 4, generator=generator())
    found = []
    for steps in (0, 5):
        maker = GlobalAnomalies(noise=0.3, furthest=4.0, steps=steps, step_size=0.3)
        moved = normal + maker.shift(judge.discriminator, normal, generator(1))
        found.append(F.softplus(-judge.discriminator(moved)))
    assert (found[1] >= found[0]).float().mean() > 0.95


def test_noise_alone_is_what_no_step_leaves():
    judge = tiny_discriminator().judge
    normal = torch.zeros(2, 40, 4, 4)
    shift = GlobalAnomalies(noise=0.3, steps=0).shift(judge.discriminator, normal, generator(1))
    assert torch.equal(shift, 0.3 * torch.randn(normal.shape, generator=generator(1)))


def test_a_step_is_along_the_gradient_of_each_patch():
    """Of a linear discriminator it is step_size along -w, whose root mean square is 1 a channel."""
    linear = torch.nn.Conv2d(5, 1, 1, bias=False)
    normal = torch.randn(2, 5, 3, 3, generator=generator())
    maker = GlobalAnomalies(noise=0.01, furthest=100.0, steps=1, step_size=50.0)
    noise = 0.01 * torch.randn(normal.shape, generator=generator(1))
    w = linear.weight.detach().view(1, 5, 1, 1)
    right = noise - 0.5 * w / w.square().mean().sqrt()
    torch.testing.assert_close(maker.shift(linear, normal, generator(1)), right.expand_as(normal))


def test_the_loss_is_the_sum_of_three():
    mine = task()
    mine.module.eval()
    rows = mine.batch(3, generator())
    x, where, seeds = rows
    g = generator(int(seeds[0]))
    laid, masks = mine.local_anomalies(x / 255, where, mine.normals.textures, g)
    judge = mine.module
    normal, textured = (judge.adapted(mine.detector.features(images)) for images in (x / 255, laid))
    shift = mine.global_anomalies.shift(judge.discriminator, normal.detach(), g)
    plain, near, local = (judge.discriminator(f) for f in (normal, normal + shift, textured))
    cells = F.max_pool2d(masks.float(), 2) > 0
    right = F.softplus(plain).mean() + F.softplus(-near).mean() + focal_loss(local, cells).mean()
    torch.testing.assert_close(mine.loss(*rows), right)


def test_an_adversary_raises_both_losses_of_images():
    mine = task()
    cells = torch.zeros(4, 1, 8, 8, dtype=torch.bool)
    cells[2:, :, 2:5, 2:5] = True
    objective = PatchLoss(mine.detector, cells)
    x = images(4)
    adversary = PGDAdversary(eps=0.1, steps=3)
    found = adversary.perturb(mine.module, objective, x, generator())
    assert (objective(found) > objective(x)).all()
    assert (found - x).abs().max() <= 0.1 + 1e-6


@pytest.mark.parametrize("adversary", [None, PGDAdversary(steps=1)])
def test_adaptor_and_discriminator_learn_and_the_backbone_does_not(adversary):
    check_what_learns(task(adversary))
