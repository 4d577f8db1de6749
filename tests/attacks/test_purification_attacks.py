"""Attacks on purification, where the best one is known: affine purifiers, linear classifiers."""

import math

import pytest
import torch
from gaussian_mixture import Mixture, MixtureDenoiser, even_schedule
from torch import Generator, nn

from hardsight.attacks import MarginObjective, local_mean
from hardsight.attacks.class_suites import LabelledVictim, class_suite
from hardsight.purifiers import ADP, DDIMPurifier, DiffPure, OneShot, Purified, Purifier

EPS = 0.03
DOUBLE = torch.float64


class Linear(nn.Module):
    """Two classes by the sign of w.(x - 1/2)."""

    def __init__(self, w, scale=1.0):
        super().__init__()
        self.w, self.scale = w.to(DOUBLE), scale

    def forward(self, x):
        s = self.scale * ((x - 0.5).flatten(1) @ self.w)
        return torch.stack([-s, s], 1)

    def best(self, x, labels, eps=EPS):
        """The L-inf attack that is best at every positive slope: against w for its class."""
        side = (1 - 2 * labels).to(DOUBLE)[:, None]
        return (x.flatten(1) + eps * side * self.w.sign()).view_as(x).clamp(0, 1)


class Counted(MixtureDenoiser):
    """Of one Gaussian, whose purifier is affine with a positive slope; counts its images."""

    calls = 0

    def forward(self, x_t, t):
        self.calls += len(x_t)
        return super().forward(x_t, t)


def one_gaussian():
    mixture = Mixture(torch.full((1, 2), 0.5, dtype=DOUBLE), torch.zeros(1, dtype=int), 0.1)
    return Counted(mixture, even_schedule(20, 0.5))


PURIFIERS = {
    "ddim": lambda d: DDIMPurifier(d, depth=16, skip=1),
    "ddim eta 1": lambda d: DDIMPurifier(d, depth=16, skip=1, eta=1.0),
    "sde": lambda d: DiffPure(d, depth=20),
    "ancestral": lambda d: DiffPure(d, depth=20, form="ancestral"),
    "adp": lambda d: ADP(d, level=0.1, steps=10, delta=1e-3),
}
W = torch.tensor([3.0, -1.0])
POINTS = 0.5 + 0.1 * torch.randn(8, 1, 1, 2, generator=Generator().manual_seed(0), dtype=DOUBLE)
LABELS = (Linear(W)(POINTS)[:, 1] > 0).long()


def attacked(name, model, x=POINTS, labels=LABELS, norm="Linf", **own):
    own = {"steps": 5, "draws": 2, "objectives": ("ce",)} | own
    victim = LabelledVictim(model, labels, classes=2)
    return class_suite(name, norm, EPS, **own)(victim, x, Generator().manual_seed(0))


@pytest.mark.parametrize("name", PURIFIERS)
def test_a_shorter_process_finds_the_best_attack_of_the_whole_one_for_less(name):
    spent = {}
    for suite in ("eot-pgd", "surrogate-eot"):
        denoiser, classifier = one_gaussian(), Linear(W)
        model = Purified(PURIFIERS[name](denoiser), classifier)
        found = attacked(suite, model)
        torch.testing.assert_close(found.images, classifier.best(POINTS, LABELS))
        spent[suite] = denoiser.calls
    assert spent["surrogate-eot"] < 0.5 * spent["eot-pgd"]


@pytest.mark.parametrize("name", PURIFIERS)
def test_a_shorter_process_ends_where_the_whole_one_does(name):
    """It starts from the same depth, and of Gaussian data contracts about as much."""
    whole = PURIFIERS[name](one_gaussian())
    shorter = whole.shortened(5)
    slopes = []
    for purifier in (whole, shorter):
        noise = purifier.sample_noise(POINTS, Generator().manual_seed(0))
        slope = purifier(POINTS + 1e-3, noise) - purifier(POINTS, noise)
        slopes.append(float(slope.mean() / 1e-3))
    assert slopes[1] == pytest.approx(slopes[0], rel=0.25)
    assert 0 < slopes[0] < 1
    for setting in ("depth", "level", "sigma", "eta", "form", "clamp"):
        assert whole.settings.get(setting) == shorter.settings.get(setting)


def test_how_much_shorter():
    d = one_gaussian()
    assert DDIMPurifier(d, depth=16, skip=2).shortened(3).steps == (1, 9, 17)
    assert DDIMPurifier(d, depth=16, skip=8).shortened(5).steps == (1, 17)
    assert DDIMPurifier(d, depth=16, skip=16).shortened(5) is None
    assert DiffPure(d, depth=15).shortened(2).steps == (3, 6, 9, 12, 15)
    assert DiffPure(d, depth=20, stride=20).shortened(5) is None
    ten = ADP(d, level=0.1, steps=10)
    assert (ten.shortened(5).steps, ten.shortened(5).shortened(5).steps) == (2, 1)
    assert (1 - ten.shortened(5).lam) ** 2 == pytest.approx((1 - ten.lam) ** 10)
    assert ten.shortened(100).shortened(5) is None
    assert OneShot(d, 0.2).shortened(5) is None


class Shake(Purifier):
    """Adds noise to every pixel, so that votes differ."""

    size = 0.15

    def sample_noise(self, images, generator=None):
        return self.size * torch.randn(images.shape, generator=generator, dtype=images.dtype)

    def forward(self, images, noise=None):
        return images + noise


@pytest.mark.parametrize("scale", [1.0, 1e9])
def test_a_vote_is_attacked_through_what_votes(scale):
    """Where each voter is certain the vote itself has no slope left; its means have one."""
    classifier = Linear(W, scale)
    model = Purified(Shake(), classifier, draws=9, combine="vote")
    crowd = Purified(Shake(), classifier, draws=2000, combine="vote")
    noise = crowd.sample_noise(POINTS, Generator().manual_seed(1))
    harm = MarginObjective(crowd, LABELS, noise=noise)
    clean = float(harm(POINTS).sum())
    best = float(harm(classifier.best(POINTS, LABELS)).sum()) - clean
    found, plain = (
        float(harm(attacked(name, model, draws=360, objectives=("ce", "margin")).images).sum())
        - clean
        for name in ("vote-eot", "eot-pgd")
    )
    assert found >= 0.99 * best
    assert found >= plain - 0.01 * best
    assert (plain < 0.8 * best) is (scale > 1)


def test_it_is_judged_by_the_votes_themselves():
    """The share of right votes is that of a Gaussian: Phi((w.(x - 1/2) - eps |w|_1) / s |w|_2)."""
    classifier, n = Linear(W), 2000
    model = Purified(Shake(), classifier, draws=n, combine="vote")
    x, label = POINTS[:1], LABELS[:1]
    found = attacked("vote-eot", model, x, label, draws=1, steps=4)
    clean = abs(float((x - 0.5).flatten() @ W.to(DOUBLE)))
    z = (clean - EPS * float(W.abs().sum())) / (Shake.size * float(W.norm()))
    right = 0.5 * (1 + math.erf(z / math.sqrt(2)))
    assert float(found.objective) == pytest.approx(n * (1 - 2 * right), abs=0.05 * n)


@pytest.mark.parametrize("combine", ["mean", "vote"])
def test_all_of_them_together_are_as_strong_as_each(combine):
    model = Purified(PURIFIERS["ddim"](one_gaussian()), Linear(W), 3, combine)
    found = attacked("purification", model)
    for name in ("eot-pgd", "surrogate-eot", "deviation"):
        assert bool((found.objective >= attacked(name, model).objective - 1e-9).all())
    torch.testing.assert_close(found.images, model.classifier.best(POINTS, LABELS))


def test_all_of_them_together_leave_out_what_a_model_does_not_offer():
    plain = Linear(W)
    torch.testing.assert_close(attacked("purification", plain).images, plain.best(POINTS, LABELS))


def test_what_a_model_does_not_offer_is_refused_by_name():
    once = Purified(OneShot(one_gaussian(), 0.2), Linear(W))
    with pytest.raises(ValueError, match="through a shorter process, which Purified does not"):
        attacked("surrogate-eot", once)
    with pytest.raises(ValueError, match="combine: vote"):
        attacked("vote-eot", once)
    with pytest.raises(ValueError, match="which Linear does not offer; it offers: none"):
        attacked("vote-eot", Linear(W))


def test_the_surrogates_share_the_parts_and_their_mode():
    model = Purified(PURIFIERS["ddim"](one_gaussian()), Linear(W).eval(), 3, "vote").eval()
    offered = model.surrogates()
    assert list(offered) == ["shorter", "mean-logits", "mean-softmax"]
    for other in offered.values():
        assert other.classifier is model.classifier
        assert other.draws == 3
        assert not any(m.training for m in other.modules())
    noise = model.sample_noise(POINTS, Generator().manual_seed(0))
    each = torch.stack([Linear(W)(model.purifier(POINTS, noise[:, d])) for d in range(3)])
    torch.testing.assert_close(offered["mean-logits"](POINTS, noise), each.mean(0))
    torch.testing.assert_close(
        offered["mean-softmax"](POINTS, noise), each.softmax(2).mean(0).log()
    )


class Blur(Purifier):
    """Removes high frequencies."""

    def forward(self, images, noise=None):
        return local_mean(3)(images)


def test_low_frequencies_pass_a_purifier_that_removes_the_high_ones():
    """Round a blur BPDA climbs the weights' checks, which the blur removes, unless it cannot."""
    rows, columns = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    checks = 1.0 - 2 * ((rows + columns) % 2)
    smooth = torch.where(columns < 8, 0.3, -0.3)
    classifier = Linear((checks + smooth).flatten())
    model = Purified(Blur(), classifier)
    x = torch.full((1, 1, 16, 16), 0.5, dtype=DOUBLE)
    label = torch.tensor([0])
    harm = MarginObjective(model, label)
    start = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(harm(start).sum(), start)
    best = EPS * float(slope.abs().sum())

    def gain(suite, norm):
        return float(harm(attacked(suite, model, x, label, norm).images) - harm(x))

    assert gain("pgd", "Linf") == pytest.approx(best)
    assert gain("bpda", "Linf") < 0.6 * best
    assert gain("bpda", "low-frequency") > 1.2 * gain("bpda", "Linf")
    assert gain("pgd", "low-frequency") <= best


class Linearly(Purifier):
    """Maps the four pixels of an image about their middle by a matrix."""

    def __init__(self, matrix):
        super().__init__()
        self.matrix = matrix

    def forward(self, images, noise=None):
        moved = (images - 0.5).flatten(1) @ self.matrix.T
        return 0.5 + moved.view_as(images)


FOUR = torch.randn(4, 4, generator=Generator().manual_seed(3), dtype=DOUBLE)
GREY = torch.full((3, 1, 2, 2), 0.5, dtype=DOUBLE)
ZEROS = torch.zeros(3, dtype=torch.long)


def deviates(norm):
    """The squared distance of what the attack makes of a grey image, and the most there is."""
    model = Purified(Linearly(FOUR), Linear(torch.ones(4)))
    victim = LabelledVictim(model, ZEROS, classes=2)
    objective = victim.objective("deviation", GREY)
    attack = class_suite("deviation", norm, EPS, steps=60, restarts=8).attempts[0].optimiser
    found = attack(objective, GREY, Generator().manual_seed(0))
    if norm == "L2":  # the largest singular value: PGD is a power iteration
        return found.objective, EPS**2 * float(torch.linalg.matrix_norm(FOUR, 2)) ** 2
    corners = torch.cartesian_prod(*[torch.tensor([-EPS, EPS], dtype=DOUBLE)] * 4)
    return found.objective, float((corners @ FOUR.T).square().sum(1).max())


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_deviation_finds_the_farthest_purification(norm):
    found, best = deviates(norm)
    assert found.tolist() == pytest.approx([best] * 3, rel=1e-3)


def test_the_class_loss_is_added_on_the_same_purification():
    model = Purified(Shake(), Linear(W), draws=2)
    noise = model.sample_noise(POINTS, Generator().manual_seed(0))
    victim = LabelledVictim(model, LABELS, classes=2)
    alone, both, entropy = (
        victim.objective(name, POINTS, noise=noise)(POINTS + 0.02)
        for name in ("deviation", "ce+deviation", "ce")
    )
    torch.testing.assert_close(both, alone + entropy)
    # a mean of 0.02 apart from the mean of both draws, and their spread about it
    spread = (noise - noise.mean(1, keepdim=True)).square().flatten(2).sum(2).mean(1)
    torch.testing.assert_close(alone, 2 * 0.02**2 + spread)


def test_the_references_of_some_images_and_passes_of_fewer_draws():
    model = Purified(Shake(), Linear(W))
    victim = LabelledVictim(model, LABELS, classes=2)
    objective = victim.objective("ce+deviation", POINTS, 6, generator=Generator().manual_seed(0))
    part = objective.take(torch.tensor([3, 5]))
    torch.testing.assert_close(part.reference, objective.reference[[3, 5]])
    assert part(POINTS[[3, 5]], Generator().manual_seed(0)).shape == (2,)
    assert float((objective.reference - POINTS).abs().max()) < 3 * Shake.size / math.sqrt(10)


def test_a_deviation_finds_the_best_attack_of_a_purifier_that_amplifies_one_direction():
    """The classifier looks along that direction: the attack without labels is the best there is."""
    direction = torch.tensor([1.0, 1.0, -1.0, -1.0], dtype=DOUBLE)
    matrix = 0.1 * torch.eye(4, dtype=DOUBLE) + torch.outer(direction, direction) / 4
    model = Purified(Linearly(matrix), Linear(direction))
    label = torch.zeros(1, dtype=torch.long)
    x = GREY[:1] - 0.005 * direction.view(1, 1, 2, 2)
    harm = MarginObjective(model, label)
    found = {
        name: float(harm(attacked(name, model, x, label, restarts=4).images))
        for name in ("deviation", "pgd")
    }
    best = float(harm(model.classifier.best(x, label)))
    assert found == {name: pytest.approx(best) for name in found}
    assert best > 0 > float(harm(x))


def test_without_a_purifier_there_is_no_deviation():
    assert not LabelledVictim(Linear(W), LABELS, classes=2).knows("deviation")
    with pytest.raises(ValueError, match="needs a classifier behind a purifier"):
        attacked("deviation", Linear(W))
