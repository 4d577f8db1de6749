import pytest
import torch
from torch import Generator, nn
from torch.nn import functional as F

from hardsight.attacks import L2, PGD, CrossEntropyObjective, Linf
from hardsight.classifiers import MNISTCNN, save_classifier
from hardsight.purifiers import (
    RAP,
    Adapter,
    Purified,
    RAPSettings,
    RAPTask,
    adversarial_process,
    load_adapter,
    reverse_process,
    save_adapter,
)
from hardsight.training import Settings, train

X = torch.rand(6, 1, 8, 8, generator=Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 1, 0, 2])


def small(spread=0.3, **own):
    settings = {"size": 8, "image_channels": 1, "channels": 8, "multipliers": (1, 1), "length": 5}
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        purifier = RAP(Adapter(**(settings | own))).eval()
        with torch.no_grad():
            assert torch.equal(purifier(X), X) == purifier.adapter.residual  # untrained
            nn.init.normal_(purifier.adapter.unet.conv_out.weight, std=spread)
    return purifier


def classifier(classes=3):
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, classes)).eval()


@pytest.mark.parametrize("ball", [Linf(0.1), L2(0.5)])
def test_each_image_stops_after_its_own_steps(ball):
    """Attacked in one batch as each of them would be alone."""
    joint = nn.Sequential(small(), classifier())
    t = torch.tensor([0, 1, 2, 3, 5, 3])
    start = ball.random_start(X, Generator().manual_seed(1))
    found = adversarial_process(joint, X, LABELS, t, ball, 0.03, start)
    for i in range(len(X)):
        one = PGD(ball, steps=int(t[i]), step_size=0.03)
        objective = CrossEntropyObjective(joint, LABELS[i : i + 1])
        alone = one(objective, X[i : i + 1], start=start[i : i + 1]).images
        torch.testing.assert_close(found[i : i + 1], alone, atol=1e-5, rtol=0)
    assert float(ball.distance(found, X).max()) <= ball.eps * (1 + 1e-5)
    assert not found.requires_grad


def test_one_step_is_the_adapter_at_the_last_t():
    purifier = small()
    with torch.no_grad():
        expected = (purifier.adapter(2 * X - 1, torch.full((6,), 5)) + 1) / 2
        torch.testing.assert_close(purifier(X), expected)
        assert purifier.sample_noise(X) is None
        other = purifier.restore(X, torch.tensor([1, 2, 3, 4, 5, 5]))
        assert not torch.allclose(other, expected)
        torch.testing.assert_close(other[4:], expected[4:])
    assert small(patch=2)(X).shape == X.shape
    plain = small(residual=False)
    assert plain(X).shape == X.shape


def test_the_reverse_process_by_hand():
    purifier, model, ball = small(), classifier(), Linf(0.1)
    joint = nn.Sequential(purifier, model)
    x = X
    for t in (5, 4, 3, 2, 1):
        with torch.no_grad():
            clean = purifier.restore(x, t)
        left = torch.full_like(LABELS, t - 1)
        x = adversarial_process(joint, clean.clamp(0, 1), LABELS, left, ball, 0.02)
    found = reverse_process(purifier, model, X, LABELS, ball, 0.02)
    torch.testing.assert_close(found, clean)
    once = reverse_process(purifier, model, X, LABELS, ball, 0.02, stride=5)
    with torch.no_grad():
        torch.testing.assert_close(once, purifier(X))
    with pytest.raises(ValueError, match="stride must divide"):
        reverse_process(purifier, model, X, LABELS, ball, 0.02, stride=2)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_the_loss_is_that_of_appendix_d(norm):
    purifier, model = small(), classifier()
    settings = RAPSettings(norm=norm, eps=0.2, reconstruction=2.0, classification=0.5)
    task = RAPTask(purifier, model, (X * 255).byte(), LABELS, settings)
    pixels, labels, t, start = task.batch(4, Generator().manual_seed(2))
    assert set(t.tolist()) <= {1, 2, 3, 4, 5}
    x = pixels.float() / 255
    joint = nn.Sequential(purifier, model)
    x_t = adversarial_process(joint, x, labels, t, settings.ball, 0.05, start)
    restored = purifier.adapter(2 * x_t - 1, t)
    error = (restored - (2 * x - 1)).abs().mean()
    entropy = F.cross_entropy(model((restored + 1) / 2), labels)
    found = task.loss(pixels, labels, t, start)
    torch.testing.assert_close(found, 2 * error + 0.5 * entropy)
    found.backward()
    assert all(p.grad is None for p in model.parameters())
    assert any(p.grad is not None for p in purifier.parameters())


@pytest.mark.parametrize("own", [{"eps": 8}, {"start": 8}, {"eps": float("inf"), "norm": "L2"}])
def test_a_radius_that_is_none_is_refused_with_the_settings(own):
    """Not by the first batch, after the classifier behind the adapter was trained."""
    with pytest.raises(ValueError, match=r"did you mean 8/255|must be finite"):
        RAPSettings(**own)


def test_every_assumption_is_marked():
    marks = RAPSettings.assumed()
    assert {"step_size", "start", "projected", "attacked_at", "clamp", "mode"} <= marks.keys()
    assert "eps" not in marks
    shown = RAPSettings().describe()
    assert "assumed: lambda" in shown["step_size"]
    assert shown["norm"] == "Linf"


def test_trained_saved_and_put_in_front_of_another(tmp_path):
    """A classifier that reads a blob, and a checkerboard that no image has: an adapter helps."""
    g = Generator().manual_seed(0)
    labels = torch.randint(2, (64,), generator=g)
    images = 0.3 + 0.1 * torch.rand(64, 1, 8, 8, generator=g)
    sides = torch.zeros(2, 8, 8)
    sides[0, 2:6, :4] = sides[1, 2:6, 4:] = 1.0
    images += 0.4 * sides[labels][:, None]
    checks = 1 - 2 * (torch.arange(8)[:, None] + torch.arange(8)).remainder(2).float()
    model = classifier(2)
    with torch.no_grad():
        model[1].weight.copy_(torch.stack([sides[0] + checks, sides[1] - checks]).flatten(1))
        model[1].bias.zero_()
    purifier = small(spread=0.0, length=3)
    settings = RAPSettings(eps=0.15)
    attack = PGD(Linf(0.15), steps=10, random_start=False)

    def robust(victim):
        worst = attack(CrossEntropyObjective(victim, labels), images).images
        return float((victim(worst).argmax(1) == labels).float().mean())

    task = RAPTask(purifier, model, (images * 255).byte(), labels, settings)
    how = Settings(
        steps=60, batch_size=16, lr=1e-2, precision="32-true", accelerator="cpu", sample_every=60
    )
    before = robust(model)
    train(task, how, tmp_path / "run")
    assert robust(Purified(purifier, model)) > before + 0.2
    assert list((tmp_path / "run" / "samples").iterdir())
    save_adapter(purifier, tmp_path / "adapter")
    again = load_adapter(tmp_path / "adapter")
    other = Purified(again, classifier(2))  # any other classifier
    with torch.no_grad():
        assert torch.equal(again(images), purifier(images))
        assert other(images).shape == (64, 2)


def test_a_folder_of_another_model_is_told(tmp_path):
    save_classifier(MNISTCNN(2, size=8), tmp_path)
    with pytest.raises(ValueError, match=r"holds another model: KeyError.*name its folder"):
        load_adapter(tmp_path)


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="size must be a multiple"):
        Adapter(size=30)
    with pytest.raises(ValueError, match=r"RAP\(adapter, clamp=settings.clamp\)"):
        RAPTask(small(), classifier(), (X * 255).byte(), LABELS, RAPSettings(clamp="hard"))
    with pytest.raises(ValueError, match="t must be steps"):
        adversarial_process(classifier(), X, LABELS, -torch.ones(6), Linf(0.1), 0.1)
