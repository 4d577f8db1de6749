import pytest
import torch
from torch import nn

from hardsight.attacks import (
    PGD,
    Attempt,
    ClassVictim,
    Linf,
    MarginObjective,
    ScoreObjective,
    Suite,
)
from hardsight.attacks.bridges import Foreign, TwoClasses
from hardsight.core.types import Detection

EPS = 0.03


class Sum(nn.Module):
    """Score: a weighted sum of the pixels, in units of thousands; the optimum is known."""

    def __init__(self) -> None:
        super().__init__()
        g = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(1000 * torch.randn(3, 8, 8, generator=g))

    def sample_noise(self, images, generator=None):
        return None

    def forward(self, images, noise=None):
        maps = (self.weight * images).sum(1, keepdim=True)
        return Detection(maps.flatten(1).sum(1), maps)


def images():
    return 0.3 + 0.4 * torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def signs(classifier, x, labels):
    """Somebody's FGSM on the cross-entropy, that leaves the ball."""
    x = x.clone().requires_grad_(True)
    loss = nn.functional.cross_entropy(classifier(x), labels)
    return x + 2 * EPS * torch.autograd.grad(loss, x)[0].sign()


def test_a_detector_attacked_as_a_classifier_is_attacked_in_its_score():
    detector, x = Sum(), images()
    scores = detector(x).pred_score.detach()
    labels = scores > scores.median()
    two = TwoClasses(detector, float(scores.median()), float(scores.std()))
    assert (two(x).argmax(1) == labels.long()).all()
    theirs = Foreign(Linf(EPS), lambda x, y: signs(two, x, y))
    found = theirs(MarginObjective(two, labels.long()), x)
    ours = PGD(Linf(EPS), random_start=False)(ScoreObjective(detector, labels), x)
    torch.testing.assert_close(found.images, ours.images)


def test_an_unscaled_shim_masks_the_gradient_and_the_scale_is_the_way_out():
    detector, x = Sum(), images()
    far = detector(x).pred_score.abs().max() + 1e5
    masked = TwoClasses(detector, float(far.detach()))
    x = x.requires_grad_(True)
    loss = nn.functional.cross_entropy(masked(x), torch.zeros(4, dtype=torch.long))
    assert (torch.autograd.grad(loss, x)[0] == 0).all()
    scaled = TwoClasses(detector, float(far.detach()), scale=float(far.detach()))
    loss = nn.functional.cross_entropy(scaled(x), torch.zeros(4, dtype=torch.long))
    assert (torch.autograd.grad(loss, x)[0] != 0).any()
    with pytest.raises(ValueError, match="scale must be > 0"):
        TwoClasses(detector, 0.0, scale=0.0)


def test_a_foreign_attack_takes_its_place_in_a_suite():
    g = torch.Generator().manual_seed(3)
    weight = torch.randn(4, 192, generator=g)
    x = images()

    def classifier(x):
        return x.flatten(1) @ weight.T

    labels = classifier(x).argmax(1)
    attempts = (Attempt(Foreign(Linf(EPS), lambda x, y: signs(classifier, x, y)), "margin"),)
    suite = Suite("theirs", Linf(EPS), lambda ball: attempts)
    found = suite(ClassVictim(classifier, labels), x)
    assert (found.images - x).abs().max() <= EPS + 1e-6
    torch.testing.assert_close(found.objective, MarginObjective(classifier, labels)(found.images))
    assert suite.description == "Foreign x 1 draw on margin"


def test_a_foreign_attack_that_works_in_place_moves_no_centre():
    x = images()
    before = x.clone()
    objective = MarginObjective(lambda x: x.flatten(1)[:, :2], [0, 0, 0, 0])
    found = Foreign(Linf(EPS), lambda images, labels: images.sub_(0.3))(objective, x)
    assert torch.equal(x, before)
    torch.testing.assert_close(found.images, (x - EPS).clamp(0, 1))


def test_what_a_foreign_attack_cannot_do_is_said():
    x = images()
    with pytest.raises(ValueError, match="has no labels"):
        Foreign(Linf(EPS), lambda x, y: x)(lambda x, g=None: x.sum((1, 2, 3)), x)
    objective = MarginObjective(lambda x: x.flatten(1)[:, :3], torch.zeros(4, dtype=torch.long))
    for attack, error, said in (
        (lambda x, y: x[:2], ValueError, "have the shape of images"),
        (lambda x, y: x * torch.nan, ValueError, "be finite, got NaN"),
        (lambda x, y: (x, x, y), TypeError, "be a float tensor like images, got tuple"),
    ):
        with pytest.raises(error, match=f"what attack returns must {said}"):
            Foreign(Linf(EPS), attack)(objective, x)


@pytest.mark.parametrize("name", ["PGD", "APGD", "EOTPGD"])
def test_torchattacks(name):
    torchattacks = pytest.importorskip("torchattacks", reason="torchattacks is not installed")
    detector, x = Sum(), images()
    scores = detector(x).pred_score.detach()
    labels = scores > scores.median()
    two = TwoClasses(detector, float(scores.median()), float(scores.std()))
    theirs = Foreign(Linf(EPS), getattr(torchattacks, name)(two, eps=EPS))
    found = theirs(MarginObjective(two, labels.long()), x)
    best = EPS * detector.weight.abs().sum() / scores.std()
    clean = MarginObjective(two, labels.long())(x)
    torch.testing.assert_close(found.objective, clean + 2 * best, rtol=0.02, atol=0)


def test_foolbox():
    foolbox = pytest.importorskip("foolbox", reason="foolbox is not installed")
    detector, x = Sum(), images()
    scores = detector(x).pred_score.detach()
    labels = (scores > scores.median()).long()
    two = TwoClasses(detector, float(scores.median()), float(scores.std())).eval()
    model = foolbox.PyTorchModel(two, bounds=(0, 1), device="cpu")
    attack = foolbox.attacks.LinfPGD()
    theirs = Foreign(Linf(EPS), lambda x, y: attack(model, x, y, epsilons=EPS)[1])
    found = theirs(MarginObjective(two, labels), x)
    assert (found.objective > MarginObjective(two, labels)(x)).all()
