import pytest

from hardsight.attacks import build_suite
from hardsight.attacks.class_suites import class_suite
from hardsight.evaluation import Smoothing, Terms
from hardsight.runs.figures import AttackChoice, CertificateChoice, demand_effect

BUILD = {"detector": build_suite, "classifier": class_suite}


@pytest.mark.parametrize("subject", BUILD)
@pytest.mark.parametrize(
    ("suite", "effort", "told"),
    [
        ("bim", {"step_size": 0.01}, "--step-size=0.01 changes nothing of bim"),
        ("pgd", {"steps": 3, "draws": 2}, "--draws=2 changes nothing of pgd"),
        ("square", {"restarts": 1}, "--restarts=1 changes nothing of square"),
    ],
)
def test_an_effort_that_no_suite_looks_at_is_refused(subject, suite, effort, told):
    with pytest.raises(ValueError, match=told):
        demand_effect(subject, [suite], "fast", effort)


@pytest.mark.parametrize("subject", BUILD)
def test_an_effort_that_one_suite_of_several_looks_at_is_taken(subject):
    """That of the budget, too: ``steps`` of 20 are those of "fast"."""
    effort = {"draws": 4, "step_size": 0.01, "steps": 20, "restarts": 1, "submissions": 1}
    demand_effect(subject, ["bim", "eot-pgd"], "fast", effort)
    demand_effect(subject, [], "fast", effort)
    choice = AttackChoice(["bim", "eot-pgd"], effort=effort)
    found = choice.built(BUILD[subject], (), "Linf", "2/255")
    usual = AttackChoice().built(BUILD[subject], ["bim", "eot-pgd"], "Linf", "2/255")
    assert [s.name for s in found] == [s.name for s in usual] == ["bim", "eot-pgd"]
    assert found[0].attempts != found[1].attempts != usual[1].attempts  # by their step size
    assert AttackChoice(["none"]).built(BUILD[subject], ["pgd"], "Linf", "1/255") == []


@pytest.mark.parametrize(
    ("radii", "early", "said"),
    [
        ((0.0, 0.1), True, "early stopping leaves no bounds to hold an attack against"),
        ((0.0,), False, r"at every radius above 0, got radii=\(0.0,\)"),
    ],
)
def test_attacks_that_nothing_would_be_shown_of_are_refused(radii, early, said):
    how = Terms(0.1, radii=radii), Smoothing(early_stopping=early)
    with pytest.raises(ValueError, match=said):
        CertificateChoice(*how, attacks=["pgd"])
    assert CertificateChoice(*how).suites(build_suite) == []
