"""Attacks on purification, where the best one is known: affine purifiers, linear classifiers."""

import math

import pytest
import torch
from affine_purifiers import DOUBLE, EPS, LABELS, POINTS, Linear, Shake, W, attacked
from gaussian_mixture import Mixture, MixtureDenoiser, even_schedule
from torch import Generator

from hardsight.attacks import MarginObjective, local_mean
from hardsight.purifiers import ADP, DDIMPurifier, DiffPure, OneShot, Purified, Purifier


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
