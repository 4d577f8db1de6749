import pytest
import torch
from torch import nn

from hardsight.attacks import (
    APGD,
    BUDGETS,
    L2,
    PGD,
    Attempt,
    ClassVictim,
    Linf,
    MapVictim,
    ScoreVictim,
    Square,
    Suite,
    attack_names,
    build_suite,
    fgsm,
    local_mean,
)
from hardsight.attacks.class_suites import class_suite
from hardsight.core.types import Detection

SIZE = 16


class Linear(nn.Module):
    """Score w.x + noise, map w x per pixel; how much the score can move is known."""

    def __init__(self, seed: int = 0, noise: float = 0.0) -> None:
        super().__init__()
        g = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(torch.randn(3, SIZE, SIZE, generator=g))
        self.part = nn.Identity()
        self.noise = noise
        self.bypass = ("part", local_mean(3))

    def sample_noise(self, images, generator=None):
        return self.noise * torch.randn(len(images), generator=generator) if self.noise else None

    def forward(self, images, noise=None):
        maps = (self.weight * self.part(images)).sum(1, keepdim=True)
        score = maps.flatten(1).sum(1)
        return Detection(score if noise is None else score + noise, maps)


def images(n=4):
    return 0.3 + 0.4 * torch.rand(n, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


LABELS = torch.tensor([False, True, False, True])


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("name", ["fgsm", "bim", "pgd", "eot-pgd", "autoattack", "autoattack-rand"])
def test_score_suites_reach_the_optimum_of_a_linear_detector(name, norm):
    model, x = Linear(), images()
    suite = build_suite(name, norm, 0.01, queries=20)
    found = suite(ScoreVictim(model, LABELS), x, torch.Generator().manual_seed(0))
    dual = model.weight.flatten().norm(p=1 if norm == "Linf" else 2)
    moved = model(found.images).pred_score - model(x).pred_score
    torch.testing.assert_close(moved, torch.where(LABELS, -1, 1) * 0.01 * dual, rtol=2e-3, atol=0)


@pytest.mark.parametrize("name", attack_names("detector"))
def test_every_suite_stays_in_the_ball_and_never_helps_the_defender(name):
    model, x = Linear(noise=0.01), images()
    masks = torch.zeros(4, 1, SIZE, SIZE, dtype=torch.bool)
    masks[1::2, :, :4] = True
    suite = build_suite(name, eps=0.02, steps=6, draws=2, queries=12)
    victim = (
        MapVictim(model, masks, threshold=0.0, scale=1.0)
        if suite.on_map
        else ScoreVictim(model, LABELS, threshold=0.0, source=Linear(seed=3))
    )
    found = suite(victim, x, torch.Generator().manual_seed(0))
    assert suite.ball.distance(found.images, x).max() <= 0.02 + 1e-6
    assert found.images.min() >= 0
    assert found.images.max() <= 1
    judge = victim.judge(64)
    generator = torch.Generator().manual_seed(9)
    assert (judge(found.images, generator) >= judge(x, generator) - 0.05).all()
    assert 0 < found.queries <= suite.passes()


def test_the_worst_of_the_attempts_is_kept_for_each_image():
    """Two attempts, each good for other images: their suite is as good as both."""
    model, x = Linear(), images()

    class Half(ScoreVictim):
        def objective(self, name, images, draws=1, noise=None, generator=None):
            first = torch.arange(4) < 2
            real = super().objective("score", images, draws, noise)
            keep = first if name == "first" else ~first
            return lambda x, g=None: real(x, g) * keep

    attempts = (Attempt(PGD(Linf(0.01), 5), "first"), Attempt(PGD(Linf(0.01), 5), "second"))
    found = Suite("both", Linf(0.01), lambda ball: attempts)(Half(model, LABELS), x)
    moved = (model(found.images).pred_score - model(x).pred_score).abs()
    optimum = (0.01 * model.weight.abs().sum()).expand(4)
    torch.testing.assert_close(moved, optimum, rtol=2e-3, atol=0)


def test_an_attack_that_only_helps_is_not_kept():
    model, x = Linear(), images()

    class Turned(ScoreVictim):
        def objective(self, name, images, draws=1, noise=None, generator=None):
            real = super().objective(name, images, draws, noise)
            return lambda x, g=None: -real(x, g)

    found = build_suite("pgd", eps=0.01)(Turned(model, LABELS), x)
    torch.testing.assert_close(found.images, x)


def test_a_transferred_attack_sees_the_source_alone():
    model, source, x = Linear(0), Linear(1), images()
    victim = ScoreVictim(model, LABELS, source=source)
    suite = build_suite("transfer", eps=0.01, objectives=("score",))
    found = suite(victim, x, torch.Generator().manual_seed(0)).images
    best = torch.where(LABELS, -1, 1).view(-1, 1, 1, 1) * 0.01 * source.weight.sign()
    expected = x + best
    kept = (found != x).flatten(1).any(1)  # unless doing nothing was worse for the defender
    torch.testing.assert_close(found[kept], expected[kept])
    with pytest.raises(ValueError, match="give one as source"):
        suite(ScoreVictim(model, LABELS), x)
    suite.demand(model, source)
    with pytest.raises(ValueError, match="give one as source"):
        suite.demand(model, None)


def test_bpda_needs_a_part_to_go_round():
    model, x = Linear(), images()
    found = build_suite("bpda", eps=0.01)(ScoreVictim(model, LABELS), x)
    assert (model(found.images).pred_score != model(x).pred_score).all()
    assert isinstance(model.part, nn.Identity)  # put back
    model.bypass = None
    suite = build_suite("bpda", eps=0.01)
    with pytest.raises(ValueError, match="names none"):
        suite(ScoreVictim(model, LABELS), x)
    with pytest.raises(ValueError, match="names none"):
        suite.demand(model, None)


def test_fab_joins_where_a_decision_exists():
    suite = build_suite("autoattack", steps=5, queries=10)
    assert [a.objective for a in suite.attempts if a.optional] == ["decision"]
    model, x = Linear(), images()
    with_it = suite(ScoreVictim(model, LABELS, threshold=0.0), x)
    without = suite(ScoreVictim(model, LABELS), x)
    assert with_it.queries > without.queries


def test_a_classifier_is_attacked_by_the_same_parts():
    g = torch.Generator().manual_seed(0)
    weight = torch.randn(5, 3 * SIZE * SIZE, generator=g)
    x = images()

    def classifier(x):
        return x.flatten(1) @ weight.T

    labels = classifier(x).argmax(1)
    names = ("ce", "margin", "dlr")
    attempts = tuple(Attempt(APGD(L2(2.0), 20), name) for name in names)
    suite = Suite("classes", L2(2.0), lambda ball: attempts)
    found = suite(ClassVictim(classifier, labels), x, torch.Generator().manual_seed(0))
    margins = []
    for j in range(5):  # closed form: the margin to class j grows by eps ||w_j - w_y||
        gap = weight[j] - weight[labels]
        margin = (gap * x.flatten(1)).sum(1) + 2.0 * gap.norm(dim=1)
        margins.append(torch.where(labels == j, -torch.inf, margin))
    torch.testing.assert_close(found.objective, torch.stack(margins).amax(0), rtol=1e-2, atol=0)


def test_a_model_without_noise_is_attacked_on_one_draw_and_once_each():
    suite = build_suite("eot-pgd")
    assert suite.seen_by(Linear(noise=0.1), images()) is suite
    seen = suite.seen_by(Linear(), images())
    assert seen.description == "PGD 20 steps x 1 draw on score, top, mean"
    assert seen.passes() == 3 * 21
    assert seen.at(0.5).ball.eps == 0.5


def test_what_is_crafted_on_another_model_keeps_its_draws():
    suite = build_suite("grey-box")
    assert all(a.draws == 4 for a in suite.attempts)
    assert suite.seen_by(Linear(), images()).attempts == suite.attempts


def test_descriptions_and_budgets():
    suite = build_suite("eot-pgd")
    assert suite.description == (
        "PGD 20 steps x 1 draw on score; PGD 20 steps x 4 draws on score, top, mean"
    )
    assert suite.passes() == (1 + 3 * 4) * 21
    assert suite.passes(own=3) == (3 + 3 * 6) * 21  # one call of three draws, and thrice two
    assert suite.budget == "fast"
    assert build_suite("eot-pgd", steps=7).budget == "own"
    assert (
        build_suite("pgd", budget="full").description
        == "PGD 100 steps x 5 restarts x 1 draw on score"
    )
    assert suite.at(0.05).ball == Linf(0.05)
    assert suite.at(0.05).attempts[0].optimiser.ball == Linf(0.05)
    square = Suite("s", Linf(0.1), lambda ball: (Attempt(Square(ball, 30), "score", 2),))
    assert square.description == "Square 30 queries x 2 draws on score"
    one = Suite("f", Linf(0.1), lambda ball: (Attempt(fgsm(ball), "score"),))
    assert one.description == "PGD 1 step x 1 draw on score"
    assert BUDGETS["full"].steps == 100


@pytest.mark.parametrize(
    ("arguments", "own", "message"),
    [
        (("pdg",), {}, "suite='pdg'"),
        (("pgd", "l1"), {}, "threat norm='l1'"),
        (("pgd", "lihgt"), {}, "did you mean 'light'?"),
        (("pgd", "Linf", "8"), {}, "8/255"),
        (("pgd", "Linf", "8/255", "quick"), {}, "budget='quick'"),
        (("pgd",), {"step": 3}, "a budget has no step"),
        (("pgd",), {"objectives": ()}, "at least one objective"),
        (("pgd",), {"objectives": ("scroe",)}, "objective='scroe' is not of a score.*'score'"),
        (("pgd",), {"submissions": 0}, "submissions must be at least 1, got 0"),
        (("eot-pgd",), {"draws": 0}, "draws must be at least 1, got 0"),
    ],
)
def test_suites_that_do_not_exist(arguments, own, message):
    with pytest.raises(ValueError, match=message):
        build_suite(*arguments, **own).demand(Linear(), None)


def test_each_random_suite_holds_every_attempt_of_the_one_before():
    """So that it is at least as strong, but for the judge's draws."""
    pgd, eot, rand = (
        set(build_suite(name, eps="2/255").attempts)
        for name in ("pgd", "eot-pgd", "autoattack-rand")
    )
    assert pgd < eot < rand


def test_a_suite_with_more_attempts_makes_what_one_with_fewer_makes_and_then_some():
    """With the same generator the shared attempts find the same images, judged on the same draws:
    no luck of the noise lets the larger suite come out weaker."""
    model, x = Linear(noise=5.0), images()
    victim = ScoreVictim(model, LABELS)
    tried = []

    class Watched(PGD):
        def __call__(self, objective, images, generator=None):
            found = super().__call__(objective, images, generator)
            tried.append(found.images)
            return found

    small = Attempt(Watched(Linf(0.01), 3), "score", 2)
    other = Attempt(APGD(Linf(0.01), 3), "mean", 2)
    harm = {}
    for name, attempts in {"one": (small,), "more": (other, small)}.items():
        suite = Suite(name, Linf(0.01), lambda ball, found=attempts: found)
        harm[name] = suite(victim, x, torch.Generator().manual_seed(3)).objective
    assert torch.equal(*tried)
    assert (harm["more"] >= harm["one"]).all()


def test_attempts_that_are_the_same_are_made_once():
    """With one draw ``eot-pgd`` names the plain attack twice."""
    one = build_suite("eot-pgd", steps=3, draws=1, objectives=("score", "mean"))
    assert [a.objective for a in one.attempts] == ["score", "mean"]
    assert one.passes() == 2 * PGD(Linf(0.01), 3).evaluations
    assert class_suite("eot-pgd", steps=3, draws=1).passes() == one.passes()
