import pytest
import torch
from sklearn.metrics import log_loss
from tiny_detector import TINY

from hardsight.augment import TrainingImages
from hardsight.core.modules import seeded
from hardsight.detectors import MapHeadTraining
from hardsight.detectors.advrad.map_head import MapHead
from hardsight.detectors.advrad.map_head_training import MapHeadTask
from hardsight.diffusion import build_denoiser

SMALL = {"steps": 3, "warm_up": 2, "smallest": 0.2}


@pytest.fixture
def parts_of_a_task():
    with seeded(0):
        denoiser = build_denoiser({"size": 16} | TINY)
        head = MapHead(16, 8, (1, 1), 2)
        torch.nn.init.normal_(head.unet.conv_out.weight, std=0.3)
    return head.eval(), denoiser.eval()


@pytest.fixture
def make_task(parts_of_a_task):
    def make(**settings) -> MapHeadTask:
        g = torch.Generator().manual_seed(0)
        images = (255 * torch.rand(6, 3, 16, 16, generator=g)).byte()
        where = torch.ones(6, 1, 16, 16, dtype=torch.bool)
        normals = TrainingImages(images, where=where)
        return MapHeadTask(*parts_of_a_task, 100, normals, MapHeadTraining(**SMALL | settings))

    return make


def test_half_of_a_batch_is_anomalous_and_all_is_drawn_from_the_generator(make_task):
    task = make_task()
    first, again = (task.batch(4, torch.Generator().manual_seed(3)) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a, b)
    x, where, anomalous, noise, _ = first
    assert anomalous.sum() == 2
    assert x.shape == noise.shape
    assert where.shape == x[:, :1].shape


def test_cells_are_anomalous_normal_or_neither():
    normal = torch.full((1, 3, 4, 8), 0.5)
    shown = normal.clone()
    shown[0, 1, 0, 0] = 0.7  # a pixel of four, in one channel: anomalous
    shown[0, :, :2, 2:4] = 0.52  # all, but faintly: neither
    anomalous, untouched = MapHeadTraining(contrast=0.1).cells(normal, shown, 2)
    assert anomalous[0, 0].int().tolist() == [[1, 0, 0, 0], [0, 0, 0, 0]]
    assert untouched[0, 0].int().tolist() == [[0, 0, 1, 1], [1, 1, 1, 1]]


def test_losses_are_cross_entropies():
    logits = torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    anomalous = torch.zeros(3, 1, 4, 4, dtype=torch.bool)
    normal = ~anomalous
    anomalous[1, 0, 0, :2] = True
    normal[1, 0, 0, :3] = False
    normal[2, 0, 0, 0] = False  # faint, and no more: without a label
    training = MapHeadTraining(top=2 / 16, image=0.5)
    found = training.losses(logits, anomalous, normal)
    p = torch.sigmoid(logits).double().flatten(1).numpy()
    a, n = anomalous.flatten(1).numpy(), normal.flatten(1).numpy()
    for i in range(3):
        expected = log_loss([0] * n[i].sum(), p[i][n[i]], labels=[0, 1])
        if i == 1:
            expected += log_loss([1, 1], p[i][a[i]], labels=[0, 1])
        if i < 2:
            top = torch.sigmoid(logits[i].flatten().sort().values[-2:].mean())
            expected += 0.5 * log_loss([i], [float(top)], labels=[0, 1])
        assert float(found[i]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("eps", [0.0, 8 / 255])
def test_the_loss_is_that_of_the_attacked_image(make_task, eps):
    """With nothing anomalous it is written out."""
    task = make_task(eps=eps)
    x, where, anomalous, noise, seeds = task.batch(4, torch.Generator().manual_seed(1))
    loss = task.loss(x, where, torch.zeros_like(anomalous), noise, seeds)
    loss.backward()
    assert all(p.grad is None for p in task.denoiser.parameters())
    assert any(p.grad is not None for p in task.module.parameters())
    assert all(p.requires_grad for p in (*task.module.parameters(), *task.denoiser.parameters()))
    normal = x.float() / 255
    cells = task.training.cells(normal, normal, 2)
    generator = torch.Generator().manual_seed(int(seeds[0]))
    adversarial = task.attacked(normal, cells, noise, generator)
    assert float((adversarial - normal).abs().max()) == pytest.approx(eps, abs=1e-6)
    ab, total = float(task.denoiser.schedule.alpha_bar(100)), 0.0
    with torch.no_grad():
        for i in range(4):
            x_t = ab**0.5 * (2 * adversarial[i] - 1) + (1 - ab) ** 0.5 * noise[i]
            r = (task.denoiser(x_t[None], 100) + 1) / 2
            logits = task.module(adversarial[i : i + 1], r)
            total += float(task.training.losses(logits, *(c[i : i + 1] for c in cells))) / 4
    assert float(loss.detach()) == pytest.approx(total, rel=1e-4)


def test_the_attack_raises_the_loss_of_normal_and_anomalous_images(make_task):
    task = make_task(attack_steps=4)
    x, _, _, noise, _ = task.batch(4, torch.Generator().manual_seed(1))
    normal = x.float() / 255
    shown = normal.clone()
    shown[:2, :, 4:8, 4:8] = 1 - shown[:2, :, 4:8, 4:8].round()
    cells = task.training.cells(normal, shown, 2)
    adversarial = task.attacked(shown, cells, noise, torch.Generator().manual_seed(0))
    with torch.no_grad():
        before, after = (
            task.training.losses(task.module(v, task.reconstructed(v, noise)), *cells)
            for v in (shown, adversarial)
        )
    assert (after > before).all()


def test_log_errors_are_of_normal_images(make_task):
    task = make_task()
    found = task.log_errors(6, torch.Generator().manual_seed(0))
    assert found.shape == (8, 1, 8, 8)  # whole batches of four
    x, _, _, noise, _ = task.batch(4, torch.Generator().manual_seed(0))
    normal = x.float() / 255
    with torch.no_grad():
        expected = task.module.log_error(normal, task.reconstructed(normal, noise))
    torch.testing.assert_close(found[:4], expected)


def test_the_sample_shows_what_the_head_says(make_task):
    task = make_task()
    assert task.sample(task.module).shape == (3, 4 * 96, 8 * 96)
