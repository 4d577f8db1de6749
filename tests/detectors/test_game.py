import pytest
import torch
from sklearn.metrics import log_loss
from tiny_detector import TINY

from hardsight.detectors import Game
from hardsight.detectors.game import GameTask, Player
from hardsight.detectors.head import MapHead
from hardsight.diffusion import build_denoiser
from hardsight.modules import seeded

SMALL = {"steps": 3, "warm_up": 2, "k_low": 80, "k_high": 120, "smallest": 0.2}


@pytest.fixture
def player():
    with seeded(0):
        denoiser = build_denoiser({"size": 16} | TINY)
        return Player(denoiser, MapHead(16, 8, (1, 1), 2)).eval()


def game_task(player, **settings) -> GameTask:
    g = torch.Generator().manual_seed(0)
    images = (255 * torch.rand(6, 3, 16, 16, generator=g)).byte()
    where = torch.ones(6, 1, 16, 16, dtype=torch.bool)
    return GameTask(player, images, where, Game(**SMALL | settings))


def test_half_of_a_batch_is_spoilt_and_all_is_drawn_from_the_generator(player):
    task = game_task(player)
    first, again = (task.batch(4, torch.Generator().manual_seed(3)) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a, b)
    x, where, spoilt, t, noise, _ = first
    assert spoilt.sum() == 2
    assert ((t >= 80) & (t <= 120)).all()
    assert x.shape == noise.shape
    assert where.shape == x[:, :1].shape


def test_cells_are_anomalous_normal_or_neither():
    normal = torch.full((1, 3, 4, 8), 0.5)
    shown = normal.clone()
    shown[0, 1, 0, 0] = 0.7  # a pixel of four, in one channel: anomalous
    shown[0, :, :2, 2:4] = 0.52  # all, but faintly: neither
    anomalous, untouched = Game(contrast=0.1).cells(normal, shown, 2)
    assert anomalous[0, 0].int().tolist() == [[1, 0, 0, 0], [0, 0, 0, 0]]
    assert untouched[0, 0].int().tolist() == [[0, 0, 1, 1], [1, 1, 1, 1]]


def test_losses_are_cross_entropies():
    logits = torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    anomalous = torch.zeros(3, 1, 4, 4, dtype=torch.bool)
    normal = ~anomalous
    anomalous[1, 0, 0, :2] = True
    normal[1, 0, 0, :3] = False
    normal[2, 0, 0, 0] = False  # faint, and no more: without a label
    game = Game(top=2 / 16, image=0.5)
    found = game.losses(logits, anomalous, normal)
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
def test_the_loss_is_that_of_the_attacked_image_against_the_clean_one(player, eps):
    """With nothing spoilt it is written out: cross-entropies, and plain denoising."""
    task = game_task(player, eps=eps, reconstruction=0.7)
    x, where, spoilt, t, noise, seeds = task.batch(4, torch.Generator().manual_seed(1))
    loss = task.loss(x, where, torch.zeros_like(spoilt), t, noise, seeds)
    assert all(p.grad is None and p.requires_grad for p in player.parameters())
    normal = x.float() / 255
    cells = task.game.cells(normal, normal, 2)
    generator = torch.Generator().manual_seed(int(seeds[0]))
    hurt = task.attacked(normal, cells, t, noise, generator)
    assert float((hurt - normal).abs().max()) == pytest.approx(eps, abs=1e-6)
    schedule, total = player.denoiser.schedule, 0.0
    with torch.no_grad():
        for i in range(4):
            ab = float(schedule.alpha_bar(int(t[i])))
            x_t = ab**0.5 * (2 * hurt[i] - 1) + (1 - ab) ** 0.5 * noise[i]
            r = (player.denoiser(x_t[None], t[i : i + 1]) + 1) / 2
            logits = player.head(hurt[i : i + 1], r)
            error = 4 * ((r[0] - normal[i]) ** 2).mean() / ((1 - ab) / ab + 0.01)
            one = [c[i : i + 1] for c in cells]
            total += float(task.game.losses(logits, *one)[0] + 0.7 * error) / 4
    assert float(loss.detach()) == pytest.approx(total, rel=1e-4)


def test_the_attack_raises_the_loss_of_normal_and_spoilt_images(player):
    task = game_task(player, attack_steps=4)
    x, _, _, t, noise, _ = task.batch(4, torch.Generator().manual_seed(1))
    normal = x.float() / 255
    shown = normal.clone()
    shown[:2, :, 4:8, 4:8] = 1 - shown[:2, :, 4:8, 4:8].round()
    cells = task.game.cells(normal, shown, 2)
    hurt = task.attacked(shown, cells, t, noise, torch.Generator().manual_seed(0))
    with torch.no_grad():
        before, after = (task.game.losses(player(v, t, noise)[0], *cells) for v in (shown, hurt))
    assert (after > before).all()


def test_impossible_games_are_refused(player):
    with pytest.raises(ValueError, match="k_low"):
        Game(k_low=200, k_high=100)
    with pytest.raises(ValueError, match="k_high"):
        game_task(player, k_high=2000)


def test_log_errors_are_of_normal_images(player):
    task = game_task(player)
    found = task.log_errors(6, torch.Generator().manual_seed(0))
    assert found.shape == (8, 1, 8, 8)  # whole batches of four
    x, _, _, t, noise, _ = task.batch(4, torch.Generator().manual_seed(0))
    with torch.no_grad():
        _, r = player(x.float() / 255, t, noise)
        torch.testing.assert_close(found[:4], player.head.log_error(x.float() / 255, r))


def test_the_sample_shows_what_the_head_says(player):
    assert game_task(player).sample(player).shape == (3, 4 * 96, 8 * 96)
