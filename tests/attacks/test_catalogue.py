import pytest
import torch
from mi_fgsm import MI_FGSM
from torch import nn

from hardsight.attacks import (
    ATTACKS,
    Linf,
    ScoreVictim,
    attack_names,
    build_suite,
)
from hardsight.core.types import Detection


class Linear(nn.Module):
    """Scores w.x: an L-inf attack gains at most eps ||w||_1."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(0)))

    def forward(self, images):
        maps = (self.weight * images).sum(1, keepdim=True)
        return Detection(maps.flatten(1).sum(1), maps)


def test_an_attack_is_added_by_one_line(monkeypatch):
    monkeypatch.setitem(ATTACKS, MI_FGSM.name, MI_FGSM)
    assert "mi-fgsm" in attack_names("detector")
    assert "mi-fgsm" in attack_names("classifier")
    model, x = Linear(), torch.full((2, 3, 4, 6), 0.5)
    suite = build_suite("mi-fgsm", "Linf", "2/255", steps=5)
    found = suite(ScoreVictim(model, torch.tensor([False, True])), x)
    best = 2 / 255 * model.weight.abs().sum()
    moved = model(found.images).pred_score - model(x).pred_score
    torch.testing.assert_close(moved, best * torch.tensor([1.0, -1.0]))
    assert suite.description == "PGD 5 steps x 1 draw on score"


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_every_attack_is_explained_and_keeps_its_name(attack):
    assert attack is ATTACKS[attack.name]
    assert attack.summary


def test_a_subject_is_refused_attacks_of_another():
    assert set(attack_names("detector")) - set(attack_names("classifier")) == {
        "map-pgd",
        "segpgd",
        "sea",
    }
    with pytest.raises(ValueError, match="not for a detector"):
        build_suite("deepfool")
    with pytest.raises(ValueError, match="not for a classifier"):
        build_suite("sea", subject="classifier")


def test_an_effort_of_its_own_is_not_a_budget():
    paper = build_suite("blau-eot", eps="8/255", budget="full", subject="classifier")
    (attempt,) = paper.attempts
    assert (paper.budget, attempt.draws, attempt.optimiser.steps) == ("own", 20, 20)
    assert attempt.optimiser.step_size == pytest.approx(1 / 255)
    assert attempt.optimiser.ball == Linf(8 / 255)
    assert paper.fixed


@pytest.mark.parametrize(("name", "steps"), [("deepfool", 50), ("carlini-wagner", 100)])
def test_an_attack_to_the_boundary_takes_the_steps_that_are_asked_for(name, steps):
    for own, expected in (({}, steps), ({"steps": 7}, 7)):
        (attempt,) = build_suite(name, "L2", 0.5, subject="classifier", **own).attempts
        assert attempt.optimiser.steps == expected


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"steps": 2.5}, "steps must be a whole number, got 2.5"),
        ({"draws": "4"}, "draws must be a whole number, got '4'"),
        ({"step_size": "1/255"}, "step_size must be a number, got '1/255'"),
        ({"objectives": "score"}, r"list of names, got 'score'; give \['score'\]"),
    ],
)
def test_an_effort_that_is_no_number_is_refused_by_its_name(own, said):
    with pytest.raises(ValueError, match=said):
        build_suite("eot-pgd", **own)


@pytest.mark.parametrize("norm", [None, 2])
def test_a_norm_that_is_no_text_is_answered_by_those_there_are(norm):
    with pytest.raises(ValueError, match=f"norm={norm} is not known; choose from Linf, L2"):
        build_suite("pgd", norm)
