"""Every public attack checks what it is given, and leaves the model as it was."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hardsight.attacks import (
    A3,
    APGD,
    FAB,
    L2,
    PGD,
    CarliniWagner,
    ClassVictim,
    Composite,
    CrossEntropyObjective,
    DeepFool,
    Foreign,
    GaussianNoise,
    Linf,
    MapObjective,
    MarginObjective,
    Progressive,
    ScoreObjective,
    ScoreVictim,
    Square,
    build_suite,
    fgsm,
)
from hardsight.attacks.class_suites import class_suite
from hardsight.core.types import Detection

EPS = Linf(2 / 255)
X = 0.2 + 0.6 * torch.rand(3, 3, 5, 7, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([False, True, False])


def unchanged(images, labels):
    return images


ATTACKS = {
    "pgd": PGD(EPS, 2),
    "pgd-l2": PGD(L2(0.5), 2),
    "fgsm": fgsm(EPS),
    "apgd": APGD(EPS, 2),
    "square": Square(EPS, 5),
    "square-l2": Square(L2(0.5), 5),
    "fab": FAB(EPS, 2),
    "deepfool": DeepFool(EPS, 2),
    "carlini-wagner": CarliniWagner(L2(0.5), 2, 2),
    "sea": Progressive(PGD(EPS, 5)),
    "a3": A3(PGD(EPS, 2), 2),
    "composite": Composite((PGD(EPS, 2), APGD(EPS, 2))),
    "foreign": Foreign(EPS, unchanged),
    "gaussian": GaussianNoise(EPS),
}
each_attack = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)


class Normed(nn.Module):
    """A detector and a classifier whose batch statistics would follow the attack in train mode."""

    def __init__(self, classes=0):
        super().__init__()
        g = torch.Generator().manual_seed(1)
        self.norm = nn.BatchNorm2d(3)
        self.weight = nn.Parameter(torch.randn(max(classes, 1), 3, 1, 1, generator=g))
        self.drop = nn.Dropout(0.5)
        self.classes = classes
        self.modes = []

    def forward(self, images):
        self.modes.append(self.training)
        maps = F.conv2d(self.drop(self.norm(images)), self.weight.to(images))
        if self.classes:
            return maps.mean((2, 3))
        return Detection(maps.flatten(1).mean(1), maps)


def objective(model=None):
    return MarginObjective(model or Normed(4).eval(), [0, 1, 2])


REFUSED = {
    "0 to 255": (X * 255, ValueError, r"images must be finite and in \[0, 1\]"),
    "normalised": (X * 4 - 2, ValueError, r"in \[0, 1\]"),
    "nan": (torch.full_like(X, torch.nan), ValueError, "finite"),
    "infinite": (torch.full_like(X, torch.inf), ValueError, "finite"),
    "uint8": ((X * 255).byte(), TypeError, "divide uint8 by 255"),
    "array": (X.numpy(), TypeError, "got ndarray"),
    "list": (X.tolist(), TypeError, "got list"),
    "one image": (X[0], ValueError, r"image\[None\]"),
    "none": (X[:0], ValueError, r"\(B, C, H, W\)"),
}


@each_attack
@pytest.mark.parametrize("kind", REFUSED)
def test_images_are_checked(attack, kind):
    images, error, message = REFUSED[kind]
    with pytest.raises(error, match=message):
        attack(objective(), images)


@pytest.mark.parametrize("kind", REFUSED)
def test_a_suite_checks_images(kind):
    images, error, message = REFUSED[kind]
    with pytest.raises(error, match=message):
        build_suite("pgd", steps=1)(ScoreVictim(Normed(), LABELS), images)


@each_attack
def test_a_start_is_checked(attack):
    for start, error in (
        (X[:1], ValueError),
        (torch.full_like(X, torch.nan), ValueError),
        ((X * 255).byte(), TypeError),
        (X.numpy(), TypeError),
    ):
        with pytest.raises(error, match="start must"):
            attack(objective(), X, start=start)


@each_attack
def test_labels_that_do_not_fit_the_images_are_refused(attack):
    with pytest.raises(ValueError, match="2 images but 3 labels"):
        attack(objective(), X[:2])


class Says:
    """An objective that says something else than one finite number an image."""

    labels = LABELS

    def __init__(self, value):
        self.value = value

    def take(self, index):
        return self

    def __call__(self, images, generator=None):
        return self.value(images)


WRONG = {
    "nan": (lambda x: x.mean((1, 2, 3)) * torch.nan, ValueError, "finite values.* 3 of 3"),
    "constant nan": (lambda x: x.mean((1, 2, 3)) + torch.nan, ValueError, "finite values"),
    "a mean": (lambda x: x.mean(), ValueError, "one value per image"),
    "a map": (lambda x: x.mean(1), ValueError, "one value per image"),
    "a number": (lambda x: 1.0, TypeError, "must return a tensor"),
    "a detection": (lambda x: Detection(x.mean((1, 2, 3)), x[:, :1]), TypeError, "Detection"),
}


@each_attack
@pytest.mark.parametrize("kind", WRONG)
def test_an_objective_must_return_one_finite_number_an_image(attack, kind):
    value, error, message = WRONG[kind]
    with pytest.raises(error, match=message):
        attack(Says(value), X)


@each_attack
def test_the_model_is_attacked_in_eval_mode_and_left_as_it_was(attack):
    model = Normed(4)
    model.drop.eval()  # a part of its own mind
    model.weight.requires_grad_(False)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    still = Normed(4).eval()
    still.load_state_dict(before)
    found = attack(objective(model), X, torch.Generator().manual_seed(0))
    expected = attack(objective(still), X, torch.Generator().manual_seed(0))
    assert torch.equal(found.images, expected.images)
    assert not any(model.modes)
    assert (model.training, model.norm.training, model.drop.training) == (True, True, False)
    assert [p.requires_grad for p in model.parameters()] == [
        n != "weight" for n, _ in model.named_parameters()
    ]
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_the_model_is_left_as_it_was_by_an_attack_that_fails():
    model = Normed()

    class Broken(ScoreObjective):
        def __call__(self, images, generator=None):
            super().__call__(images, generator)
            raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order"):
        PGD(EPS, 2)(Broken(model, LABELS), X)
    assert model.training
    assert not any(model.modes)
    assert all(p.requires_grad for p in model.parameters())


def test_a_suite_attacks_victim_and_source_in_eval_mode():
    model, source = Normed(4), Normed(4)
    means = model.norm.running_mean.clone()
    victim = ClassVictim(model, torch.tensor([0, 1, 2]), source)
    build_suite("transfer", steps=2, objectives=("ce",))(victim, X)
    assert not any(model.modes + source.modes)
    assert model.training
    assert source.training
    assert torch.equal(model.norm.running_mean, means)


@pytest.mark.parametrize(
    "labels",
    [[0, 1, 0], [False, True, False], np.array([0, 1, 0]), np.array([0, 1, 0], bool), LABELS.int()],
)
def test_labels_are_booleans_or_0_and_1_in_any_sequence(labels):
    model = Normed().eval()
    assert torch.equal(ScoreObjective(model, labels)(X), ScoreObjective(model, LABELS)(X))
    masks = np.zeros((3, 1, 5, 7), np.uint8)
    masks[1, :, 2:] = 1
    loss = MapObjective(model, masks, "balanced")(X)
    assert torch.equal(loss, MapObjective(model, torch.tensor(masks > 0), "balanced")(X))


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (torch.tensor([1, -1, 1]), ValueError, "got -1; compare first: labels > 0"),
        ([0, 1, 2], ValueError, "got 2"),
        ([0.0, 1.0, 0.0], ValueError, "float32"),
        (["good", "bad", "good"], TypeError, "got list"),
        ([[0, 1, 0]], ValueError, r"\(1, 3\)"),
        ([], ValueError, "must"),
    ],
)
def test_other_labels_are_refused(labels, error, message):
    with pytest.raises(error, match=message):
        ScoreObjective(Normed(), labels)


@pytest.mark.parametrize("classes", [[0, 1, 3], np.array([0, 1, 3]), torch.tensor([0, 1, 3]).int()])
def test_classes_come_in_any_sequence(classes):
    model, expected = Normed(4).eval(), torch.tensor([0, 1, 3])
    for objective_of in (CrossEntropyObjective, MarginObjective):
        assert torch.equal(objective_of(model, classes)(X), objective_of(model, expected)(X))


@each_attack
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_half_images_are_attacked_in_single_precision_and_double_ones_in_double(attack, dtype):
    images = X.to(dtype)
    found = attack(objective(Normed(4).eval().double() if dtype == torch.float64 else None), images)
    assert found.images.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert found.objective.dtype == torch.float32
    distance = attack.ball.distance(found.images, images.to(found.images))
    assert float(distance.max()) <= attack.ball.eps + 1e-6
    assert found.images.min() >= 0
    assert found.images.max() <= 1


def test_a_model_may_compute_in_half_precision_under_autocast():
    model = Normed().eval()

    def score(images, generator=None):
        with torch.autocast("cpu", torch.bfloat16):
            return model(images).pred_score

    found = PGD(EPS, 3)(score, X, torch.Generator().manual_seed(0))
    exact = PGD(EPS, 3)(lambda x, g=None: model(x).pred_score, X, torch.Generator().manual_seed(0))
    torch.testing.assert_close(found.objective, exact.objective, rtol=0.02, atol=0.02)
    assert found.images.dtype == torch.float32


@each_attack
def test_images_that_carry_a_gradient_are_attacked_without_it(attack):
    x = X.clone().requires_grad_(True)
    assert not attack(objective(), x).images.requires_grad
    assert x.grad is None


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_float64_images_take_the_precision_of_the_weights(precision):
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(30, 2)).to(precision)
    objective = CrossEntropyObjective(model, LABELS.long())
    found = PGD(EPS, 2, random_start=False)(objective, X.double()).images
    assert found.dtype == precision
    single = PGD(EPS, 2, random_start=False)(objective, X.to(precision)).images
    assert torch.equal(found, single)


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_a_suite_takes_the_precision_of_the_weights_too(precision):
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(30, 2)).to(precision)
    victim, suite = ClassVictim(model, LABELS.long()), class_suite("fgsm", eps="2/255")
    found = suite(victim, X.double(), torch.Generator().manual_seed(0)).images
    assert found.dtype == precision
    assert torch.equal(found, suite(victim, X.to(precision), torch.Generator().manual_seed(0))[0])


@each_attack
def test_images_that_were_made_in_inference_mode_are_attacked(attack):
    with torch.inference_mode():
        x = X.clone()
    found = attack(objective(), x, torch.Generator().manual_seed(0)).images
    assert torch.equal(found, attack(objective(), X, torch.Generator().manual_seed(0)).images)


BALL, COUNT = "ball must be a threat model as Linf", "must be a whole number >="


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: PGD(0.1), TypeError, BALL),
        (lambda: FAB(0.1), TypeError, BALL),
        (lambda: DeepFool(0.1), TypeError, BALL),
        (lambda: Foreign(0.1, unchanged), TypeError, BALL),
        (lambda: GaussianNoise(0.1), TypeError, BALL),
        (lambda: PGD(EPS, 2.5), ValueError, f"^steps {COUNT} 0, got 2.5"),
        (lambda: APGD(EPS, restarts=0), ValueError, f"^restarts {COUNT} 1, got 0"),
        (lambda: FAB(EPS, 2.5), ValueError, f"^steps {COUNT} 1, got 2.5"),
        (lambda: FAB(EPS, search=-1), ValueError, f"^search {COUNT} 0, got -1"),
        (lambda: DeepFool(EPS, "3"), ValueError, f"^steps {COUNT} 1, got '3'"),
        (lambda: CarliniWagner(L2(1), searches=1.5), ValueError, f"^searches {COUNT} 1, got 1.5"),
        (lambda: Square(EPS, 2), ValueError, f"^queries {COUNT} 3, got 2"),
        (lambda: Square(EPS, 10.5), ValueError, f"^queries {COUNT} 3, got 10.5"),
        (lambda: A3(PGD(EPS), 1.5), ValueError, f"^restarts {COUNT} 1, got 1.5"),
        (lambda: A3(PGD(EPS), warmup=-1), ValueError, f"^warmup {COUNT} 0, got -1"),
    ],
)
def test_an_attack_that_cannot_be_is_refused_when_it_is_made(build, error, message):
    with pytest.raises(error, match=message):
        build()
