"""Attacks that lose the gradient on their way: they say where, and go on by scores alone."""

import pytest
import torch
from torch import Generator

from bright import Bright, Saturating
from hardsight.attacks import (
    APGD,
    FAB,
    L2,
    PGD,
    CarliniWagner,
    Composite,
    DecisionObjective,
    DeepFool,
    Linf,
    Progressive,
    ScoreObjective,
    ScoreVictim,
    build_suite,
)
from hardsight.attacks.adaptive import A3
from hardsight.attacks.gradient_free import searched_on
from hardsight.attacks.threats import Light, ParameterSpace, Universal
from hardsight.attacks.threats.parameter_space import BOX
from hardsight.attacks.universal import Batch, craft
from hardsight.core.types import AttackResult

EPS = 0.05
BALL = Linf(EPS)


def dark_and_bright() -> torch.Tensor:
    """Grey images; only the second, within the ball, passes the limit of ``Saturating``."""
    return torch.tensor([0.2, 0.4]).view(2, 1, 1, 1).expand(2, 3, 4, 4).clone()


def seeded() -> Generator:
    return Generator().manual_seed(0)


@pytest.mark.parametrize(
    "attack",
    [
        PGD(BALL, steps=4),
        PGD(BALL, steps=4, momentum=0.5),
        APGD(BALL, steps=4),
        FAB(BALL, steps=3),
        DeepFool(BALL, steps=4),
        CarliniWagner(L2(5.0), steps=6, searches=2, constant=10.0),
        Composite((PGD(BALL, steps=2, random_start=False), PGD(BALL, steps=4))),
        Progressive(PGD(BALL, steps=10, random_start=False)),
        A3(PGD(BALL, steps=4), restarts=2),
    ],
    ids=lambda attack: type(attack).__name__,
)
def test_every_attack_names_the_images_and_stays_in_its_ball(attack):
    x, normal = dark_and_bright(), torch.tensor([False, False])
    objective = DecisionObjective(Saturating(), normal, threshold=0.44)
    found = attack(objective, x, seeded())
    beyond = isinstance(attack, FAB | DeepFool)  # they look for the boundary outside the ball too
    assert found.nonfinite.tolist() == [beyond, True]
    assert found.images.isfinite().all()
    assert attack.ball.distance(found.images, x).max() <= attack.ball.eps + 1e-6
    whole = attack(DecisionObjective(Bright(), normal, threshold=0.44), x, seeded())
    assert not whole.nonfinite.any()


def test_a_training_does_not_go_on_without_a_gradient():
    objective = ScoreObjective(Saturating(), torch.tensor([False, False]))
    with pytest.raises(ValueError, match="the gradient of the objective is not finite"):
        PGD(BALL, steps=4).last(objective, dark_and_bright(), seeded())


@pytest.mark.parametrize("ball", [BALL, L2(0.3)])
def test_only_images_without_a_gradient_are_searched_on(ball):
    x, attack = dark_and_bright(), PGD(ball, steps=20, random_start=False)
    objective = ScoreObjective(Saturating(), torch.tensor([False, False]))
    found = attack(objective, x, seeded())
    more = searched_on(found, attack, objective, x, seeded())
    assert torch.equal(more.images[0], found.images[0])
    assert more.objective[1] > found.objective[1]
    torch.testing.assert_close(more.objective, more.images.mean((1, 2, 3)))
    assert found.queries < more.queries <= 4 * found.queries
    assert ball.distance(more.images, x).max() <= ball.eps + 1e-6
    assert more.nonfinite.tolist() == found.nonfinite.tolist() == [False, True]


def test_where_all_gradients_were_finite_nothing_is_spent():
    x, attack = dark_and_bright(), PGD(BALL, steps=2)
    objective = ScoreObjective(Bright(), torch.tensor([False, False]))
    found = attack(objective, x, seeded())
    assert searched_on(found, attack, objective, x, seeded()) is found


def test_parameters_are_searched_too():
    x, threat = dark_and_bright(), Light(0.2)
    attack = ParameterSpace(threat, PGD(BOX, steps=20))
    objective = ScoreObjective(Saturating(), torch.tensor([False, False]))
    found = attack(objective, x, seeded())
    assert found.nonfinite.any()
    more = searched_on(found, attack, objective, x, seeded())
    assert (more.objective >= found.objective).all()
    assert found.queries < more.queries <= 4 * found.queries


@pytest.mark.parametrize("name", ["pgd", "eot-pgd", "autoattack-rand"])
def test_a_suite_goes_on_and_leaves_other_images_as_they_are(name):
    x, victim = dark_and_bright(), ScoreVictim(Saturating(), torch.tensor([False, False]), 0.44)
    suite = build_suite(name, eps=EPS, steps=20, queries=30)
    found = suite(victim, x, seeded())
    exact = suite(victim.of(Bright()), x, seeded())
    assert found.nonfinite.tolist() == [False, True]
    assert not exact.nonfinite.any()
    torch.testing.assert_close(found.images[0], exact.images[0])
    assert float(found.objective[1]) > 0.4 + 0.5 * EPS  # where the gradient ends: 0.41


def test_one_change_for_all_images_tells_too():
    x, labels = dark_and_bright(), torch.tensor([True, False])
    weights = torch.tensor([0.1, 0.9])
    for model, blind in ((Saturating(), True), (Bright(), False)):
        batch = Batch(ScoreVictim(model, labels), x, weights)
        found = craft(build_suite("pgd", "universal", EPS, steps=10), [batch], seeded())
        assert bool(found.nonfinite) is blind
        worst = Universal(EPS).apply(x, found.images)
        assert float(weights @ ((worst - x).mean((1, 2, 3)) * torch.tensor([-1.0, 1.0]))) > 0


def test_a_result_without_a_record_is_blind_nowhere():
    assert AttackResult.gradient_free(
        torch.zeros(2, 1, 1, 1), torch.zeros(2), 1
    ).nonfinite.tolist() == [False, False]
