import pytest
import torch
from torch import Generator, nn
from torch.nn import functional as F

from hardsight.attacks import PGD, CrossEntropyObjective, Linf
from hardsight.classifiers import ClassificationTask, augmented
from hardsight.core.modules import in_mode
from hardsight.training import Settings, train

G = Generator().manual_seed(0)
IMAGES = torch.randint(0, 256, (40, 1, 6, 6), generator=G, dtype=torch.uint8)
LABELS = (IMAGES[:, 0, :3].float().mean((1, 2)) > IMAGES[:, 0, 3:].float().mean((1, 2))).long()


def linear():
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(36, 2))


def test_plain_loss_is_cross_entropy():
    model = linear().eval()
    task = ClassificationTask(model, IMAGES, LABELS)
    x, y = task.batch(8, Generator().manual_seed(1))
    expected = F.cross_entropy(model(x.float() / 255), y)
    torch.testing.assert_close(task.loss(x, y), expected)
    again = task.batch(8, Generator().manual_seed(1))
    assert torch.equal(again[0], x)


def test_adversarial_loss_is_that_of_the_attacked_images():
    model = linear().train()
    attack = PGD(Linf(0.1), steps=3)
    task = ClassificationTask(model, IMAGES, LABELS, attack)
    x, y, start = task.batch(8, Generator().manual_seed(1))
    assert float((start - x.float() / 255).abs().max()) <= 0.1 + 1e-6
    with torch.random.fork_rng([]):
        torch.manual_seed(3)
        found = task.loss(x, y, start)
    with in_mode("eval", model):
        clean = x.float() / 255
        worst = attack(CrossEntropyObjective(model, y), clean, start=start).images
    with torch.random.fork_rng([]):
        torch.manual_seed(3)
        torch.testing.assert_close(found, F.cross_entropy(model(worst), y))
    assert model.training
    assert model[1].training
    found.backward()
    assert model[2].weight.grad is not None


def test_crops_and_mirrors_by_hand():
    x = IMAGES[:12]
    found = augmented(x, Generator().manual_seed(2), pad=1, flip=True)
    padded = F.pad(x, (1, 1, 1, 1))
    for before, after in zip(padded, found, strict=True):
        crops = [before[:, i : i + 6, j : j + 6] for i in range(3) for j in range(3)]
        assert any(torch.equal(after, c) or torch.equal(after, c.flip(2)) for c in crops)
    assert not torch.equal(found, x)
    assert torch.equal(augmented(x, G, 0, False), x)


def test_training_learns(tmp_path):
    model = linear()
    settings = Settings(
        steps=150, batch_size=20, lr=0.05, precision="32-true", accelerator="cpu", log_every=50
    )
    train(ClassificationTask(model, IMAGES, LABELS), settings, tmp_path)
    right = model(IMAGES.float() / 255).argmax(1) == LABELS
    assert float(right.float().mean()) > 0.9


def test_bad_data_are_refused():
    with pytest.raises(ValueError, match="one int64 an image"):
        ClassificationTask(linear(), IMAGES, LABELS[:3])
    with pytest.raises(ValueError, match="uint8"):
        ClassificationTask(linear(), IMAGES.float(), LABELS)
