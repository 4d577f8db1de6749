import pytest
import torch
from torch import Generator, nn

from hardsight.attacks import (
    ClassVictim,
    GaussianNoise,
    Linf,
    Square,
    attack_names,
    value_and_gradient,
)
from hardsight.attacks.class_suites import LabelledVictim, class_suite
from hardsight.purifiers import Purified, Purifier

X = torch.rand(5, 1, 4, 4, generator=Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 3, 1])
SMALL = {"steps": 3, "restarts": 1, "queries": 5, "draws": 2}


class Shake(Purifier):
    def shortened(self, factor):
        return Shake()

    def forward(self, images, noise=None):
        return images + 0.05 * (self.sample_noise(images) if noise is None else noise)

    def sample_noise(self, images, generator=None):
        return torch.randn(images.shape, generator=generator)


def linear(classes=4, seed=1):
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(16, classes))


@pytest.mark.parametrize("name", attack_names("classifier"))
@pytest.mark.parametrize("classes", [2, 4])
def test_every_suite_attacks_a_purified_classifier(name, classes):
    own = {k: v for k, v in SMALL.items() if k != "queries" or not name.startswith("blau")}
    norm = "L2" if name == "carlini-wagner" else "Linf"
    suite = class_suite(name, norm, "16/255", **own)
    model = Purified(Shake(), linear(classes), draws=2, combine="vote")
    labels = LABELS % classes
    victim = LabelledVictim(model, labels, linear(classes, seed=2), classes=classes)
    found = suite(victim, X, Generator().manual_seed(0))
    assert float((found.images - X).abs().max()) <= 16 / 255 + 1e-6
    again = suite(victim, X, Generator().manual_seed(0))
    assert torch.equal(found.images, again.images)
    assert not any(a.objective == "score" for a in suite.attempts)


@pytest.mark.parametrize("name", ["scroe", "dlr-x", "dlr-0"])
def test_an_objective_that_no_classifier_has_is_named(name):
    suite = class_suite("eot-pgd", objectives=(name,), steps=1)
    with pytest.raises(ValueError, match=f"objective='{name}' is not of a classifier; choose from"):
        suite(LabelledVictim(linear(), LABELS, classes=4), X, Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["pgd", "eot-pgd", "autoattack-rand", "grey-box"])
def test_no_draws_are_averaged_of_a_classifier_that_repeats_itself(name):
    """It answers one row an image and evaluation, however many draws the suite may average."""
    rows = []

    class Counted(nn.Sequential):
        def forward(self, x):
            rows.append(len(x))
            return super().forward(x)

    model = Counted(linear())
    suite = class_suite(name, steps=3, queries=5, draws=4).seen_by(model, X)
    victim = LabelledVictim(model, LABELS, model, classes=4)
    suite(victim, X, Generator().manual_seed(0))
    assert set(rows) == {1, len(X)}
    if name != "grey-box":
        judged = 1 + len(suite.attempts)
        assert rows.count(len(X)) == suite.passes() + judged
        assert all(a.draws == 1 for a in suite.attempts)


def test_a_classifier_with_randomness_of_its_own_is_averaged():
    rows = []

    class Own(nn.Sequential):
        def forward(self, x):
            rows.append(len(x))
            return super().forward(x + 0.1 * torch.randn_like(x))

    model = Own(linear())
    suite = class_suite("eot-pgd", steps=3, draws=4)
    assert suite.seen_by(model, X) is suite
    suite(LabelledVictim(model, LABELS, classes=4), X, Generator().manual_seed(0))
    assert {len(X), 4 * len(X), 10 * len(X)} <= set(rows)


def test_the_standard_composition():
    suite = class_suite("autoattack", budget="full")
    names = [(type(a.optimiser).__name__, a.objective) for a in suite.attempts]
    aimed = [("APGD", f"dlr-{k}") for k in range(1, 10)]
    assert names == [("APGD", "ce"), *aimed, ("FAB", "decision"), ("Square", "margin")]
    rand = class_suite("autoattack-rand", budget="full")
    assert [a.objective for a in rand.attempts] == ["ce", "ce", "dlr", "ce", "dlr", "margin"]
    assert [a.draws for a in rand.attempts] == [1, 20, 20, 20, 20, 20]
    assert isinstance(rand.attempts[-1].optimiser, Square)
    assert (suite.budget, rand.budget) == ("full", "full")
    assert class_suite("pgd", steps=3).budget == "own"
    paper = class_suite("blau-eot", eps="16/255").attempts[0]
    assert paper.optimiser.step_size == pytest.approx(2 / 255)
    assert (paper.optimiser.steps, paper.draws, paper.optimiser.random_start) == (20, 20, False)
    with pytest.raises(ValueError, match="not for a classifier"):
        class_suite("segpgd")


def test_carlini_and_wagner_reach_the_nearest_hyperplane():
    """Of a linear classifier the least change is margin over norm; 0.04 more in L2 is enough."""
    model = linear(2)
    weight = model[1].weight.detach()
    gap = model(X).detach() @ torch.tensor([1.0, -1.0])
    labels = (gap < 0).long()
    least = gap.abs() / (weight[0] - weight[1]).norm()
    eps = float(least.sort().values[:2].mean())
    found = class_suite("carlini-wagner", "L2", eps)(ClassVictim(model, labels), X)
    assert torch.equal(model(found.images).argmax(1) != labels, least < eps)


def test_the_targets_are_the_likeliest_wrong_classes():
    model = linear()
    victim = LabelledVictim(model, LABELS, classes=4)
    logits = model(X).detach()
    for k in (1, 2, 3):
        objective = victim.objective(f"dlr-{k}", X)
        for row, label, target in zip(logits, LABELS, objective.targets, strict=True):
            order = [j for j in row.argsort(descending=True).tolist() if j != int(label)]
            assert int(target) == order[k - 1]
    assert victim.lacks("dlr-4") == "objective='dlr-4' needs at least 5 classes, and there are 4"
    few = LabelledVictim(linear(3), LABELS % 3, classes=3)
    assert few.lacks("dlr") is None
    assert "at least 4 classes" in str(few.lacks("dlr-1"))
    assert "at least 3 classes" in str(
        LabelledVictim(linear(2), LABELS % 2, classes=2).lacks("dlr")
    )
    assert isinstance(victim, ClassVictim)
    _, gradient = value_and_gradient(victim.objective("dlr-1", X), X)
    assert bool(gradient.isfinite().all())


def test_gaussian_noise_has_the_size_of_the_radius():
    x = torch.full((50, 3, 16, 16), 0.5)
    from hardsight.attacks import L2

    objective = LabelledVictim(nn.Flatten(), torch.zeros(50).long(), classes=768).judge(1)
    noisy = GaussianNoise(L2(0.5))(objective, x, Generator().manual_seed(0)).images
    assert float(L2(0.5).distance(noisy, x).mean()) == pytest.approx(0.5, rel=0.05)
    noisy = GaussianNoise(Linf(0.1))(objective, x, Generator().manual_seed(0)).images
    assert float((noisy - x).abs().max()) == pytest.approx(0.1)
