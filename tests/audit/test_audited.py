import masked
import numpy as np
import pytest
import torch

from hardsight.attacks import L2, Attempt, Linf
from hardsight.audit import CHECKS, Budget, audit, plan
from hardsight.audit.checks.effort import ladder
from hardsight.audit.checks.randomness import signal
from hardsight.audit.outcomes import Attacked, worst
from hardsight.evaluation import Execution
from hardsight.metrics import auroc


class Counting(masked.Honest):
    calls = 0

    def forward(self, images, noise=None):
        Counting.calls += 1
        return super().forward(images, noise)


def test_an_attack_is_made_once(audited):
    c = audited(Counting(), Linf(4 / 255))
    first = c.attack(c.apgd("score"))
    calls = Counting.calls
    assert c.attack(c.apgd("score", draws=4)) is first  # no noise: draws change nothing
    assert Counting.calls == calls
    assert c.attack(c.apgd("score", steps=2)) is not first


@pytest.mark.parametrize("ball", [Linf(1 / 255), L2(0.05)])
def test_the_known_optimum_is_reached(ball, audited):
    """Of a linear score the best attack gains eps times the dual norm of its weights."""
    c = audited(masked.Linear(), ball)
    x = c.x[:1].clone().requires_grad_(True)
    weight = torch.autograd.grad(c.subject.model(x).pred_score.sum(), x)[0]
    gain = ball.eps * float(weight.abs().sum() if isinstance(ball, Linf) else weight.norm())
    found = c.attack(c.apgd("score", steps=20)).scores
    sign = np.where(c.subject.truth, -1, 1)
    np.testing.assert_allclose(sign * (found - c.clean), gain, rtol=0.02)


def test_the_worst_is_chosen_by_the_judge_not_by_the_score():
    a = Attacked(np.array([1.0, 2.0]), np.array([5.0, 0.0]))
    b = Attacked(np.array([9.0, 8.0]), np.array([4.0, 1.0]))
    found = worst([a, b])
    assert found.scores.tolist() == [1.0, 8.0]
    assert found.harm.tolist() == [5.0, 1.0]


def test_clean_scores_average_fresh_draws(audited):
    c = audited(masked.Noisy(), Linf(4 / 255))
    single = c.known_scores(c.x)
    assert np.abs(c.clean - single).max() > 0
    assert auroc(c.clean, c.subject.truth) == c.subject.figure(c.clean)
    assert np.array_equal(c.rescored(c.x), c.clean)


def rank(values, c):
    """Scores (N,) whose AUROC is ``values``: that share of the normal images lies below."""
    scores = np.linspace(0, 1, len(c.subject.truth))
    scores[c.subject.truth] = np.quantile(scores[~c.subject.truth], values) + 1e-3
    return scores


def test_a_ladder_is_judged_by_its_rungs(audited):
    c = audited(masked.Honest(), Linf(4 / 255))
    high, low = rank(0.99, c), rank(0.01, c)
    assert ladder(c, "steps", "steps", [high, high, low], [1, 2, 3]).verdict == "warn"
    assert ladder(c, "steps", "steps", [high, low, low], [1, 2, 3]).verdict == "pass"
    rising = [low, low, high]
    found = ladder(c, "steps", "steps", rising, [1, 2, 3])
    assert found.verdict == "fail"
    assert "with 3 more AUROC is left than with 1" in found.sentence
    assert found.plot.lines["AUROC"] == tuple(map(c.subject.figure, rising))
    assert list(found.values) == ["AUROC with 1 step", "AUROC with 2 steps", "AUROC with 3 steps"]
    assert found.evidence.startswith("AUROC with 1 step: 0.125, AUROC with 2 steps: ")


def test_the_expected_signal_is_that_of_simulated_gradients():
    g = torch.Generator().manual_seed(0)
    mean, d = torch.randn(1024, generator=g, dtype=torch.float64), 1024
    draws = mean + 3 * torch.randn(1000, d, generator=g, dtype=torch.float64)
    cosine = torch.cosine_similarity(draws[:500], draws[500:], dim=1).mean()
    for n in (1, 4, 20):
        means = draws[: 1000 // n * n].view(-1, n, d).mean(1)
        found = torch.cosine_similarity(means, mean[None], dim=1).mean()
        assert signal(float(cosine), n) == pytest.approx(float(found), abs=0.02)
    assert signal(-0.1, 4) == 0


def test_what_is_announced_is_what_is_spent(audited):
    """Every attack counts what it was planned to cost; those not planned are the escalations."""
    c = audited(masked.Linear(), Linf(4 / 255))
    attempts = {
        Attempt(a.optimiser, a.objective, c.draws_of(a), a.via)
        for ladder_ in (plan.steps, plan.restarts)
        for a in ladder_(c, "score").values()
    }
    for attempt in attempts:
        c.attack(attempt)
    assert c.meter.spent == pytest.approx(sum(map(c.cost, attempts)) * len(c.x))
    assert plan.evaluations(c, len(c.x)) >= sum(map(c.cost, attempts)) * len(c.x)


def test_every_check_tells_of_what_it_costs():
    """Those before the first attack, too: finite differences in double precision take long."""
    told, g = [], torch.Generator().manual_seed(0)
    images, labels = torch.rand(8, 3, 16, 16, generator=g), [False, True] * 4
    budget = Budget("own", ("score",), (2, 3), base=2, queries=4)
    execution = Execution(progress=lambda *one: told.append(one))
    audit(masked.Linear(), (images, labels), budget=budget, execution=execution)
    infos = [one[3] for one in told]
    first = [name for name in dict.fromkeys(infos[: infos.index("unbounded")]) if name]
    assert first == [
        "gradient",
        "pixels",
        "step",
        "continuity",
        "precision",
        "mode",
        "zero",
        "saturation",
    ]
    *_, before, last = told
    assert (last[1], last[3]) == (last[2], "done")
    assert before[1] >= 0.97 * last[2]  # all that was announced was told


@pytest.mark.parametrize("detector", [masked.Linear(), masked.RoundedLinear()])
def test_long_attacks_of_what_does_not_fall_are_announced_as_they_begin(detector):
    """Else all would seem done long before it is."""
    told, g = [], torch.Generator().manual_seed(0)
    images, labels = torch.rand(8, 3, 16, 16, generator=g), [False, True] * 4
    budget = Budget("own", ("score",), (2, 3), base=2, queries=4)
    execution = Execution(progress=lambda *one: told.append(one))
    audit(detector, (images, labels), budget=budget, execution=execution)
    attacking = [one for one in told if one[3] in ("unbounded", "monotone", "steps")]
    assert attacking
    assert all(done < total for _, done, total, _ in attacking)


def test_what_looks_at_two_images_costs_no_more_of_many(audited):
    c = audited(masked.Linear(), Linf(4 / 255))
    few, many = plan.check_costs(c, 16), plan.check_costs(c, 64)
    same = {name for name in few if few[name] == many[name]}
    assert same == {"gradient", "continuity"}
    assert all(many[name] == 4 * few[name] for name in few.keys() - same)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": (5, 2)}, r"steps must be a rising ladder of counts, got \(5, 2\)"),
        ({"draws": ()}, "draws must be a rising ladder"),
        ({"restarts": (0, 1)}, "restarts must be a rising ladder"),
        ({"gradients": 3}, "even and at least 4, got 3"),
        ({"objectives": ("scroe",)}, r"objectives must be some of score, .*, got \('scroe',\)"),
        ({"losses": ()}, r"losses must be some of ce, margin, .*, got \(\)"),
    ],
)
def test_a_budget_that_is_none_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Budget("own", **settings)


def test_an_audit_in_l2(audited):
    """The radii are those of the norm; the unbounded attack stays in L-inf."""
    c = audited(masked.Linear(), L2(0.5))
    assert list(plan.radii(c, "score")) == [2.0]
    assert CHECKS["monotone"](c).verdict == CHECKS["unbounded"](c).verdict == "pass"
    assert CHECKS["step"](c).values["share of images where it does"] == 1
