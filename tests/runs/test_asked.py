import pytest

from hardsight.attacks import build_suite
from hardsight.attacks.class_suites import class_suite
from hardsight.evaluation import Smoothing, Terms
from hardsight.runs.figures import AttackChoice, CertificateChoice


@pytest.mark.parametrize("build", [build_suite, class_suite])
@pytest.mark.parametrize(
    ("suite", "effort", "told"),
    [
        ("bim", {"step_size": 0.01}, "--step-size=0.01 changes nothing of bim"),
        ("pgd", {"steps": 3, "draws": 2}, "--draws=2 changes nothing of pgd"),
        ("square", {"restarts": 1}, "--restarts=1 changes nothing of square"),
    ],
)
def test_an_effort_that_no_suite_looks_at_is_refused(build, suite, effort, told):
    with pytest.raises(ValueError, match=told):
        AttackChoice([suite], effort=effort).built(build, (), "Linf", "2/255")
    choice = CertificateChoice(
        Terms(0.1, radii=(0.0, 0.1)), Smoothing(), attacks=[suite], effort=effort
    )
    with pytest.raises(ValueError, match=told):
        choice.suites(build)


@pytest.mark.parametrize("build", [build_suite, class_suite])
def test_an_effort_that_one_suite_of_several_looks_at_is_taken(build):
    choice = AttackChoice(["bim", "eot-pgd"], effort={"draws": 4, "step_size": 0.01, "steps": 20})
    found = choice.built(build, (), "Linf", "2/255")
    usual = AttackChoice().built(build, ["bim", "eot-pgd"], "Linf", "2/255")
    assert [s.name for s in found] == [s.name for s in usual] == ["bim", "eot-pgd"]
    assert found[0].attempts == usual[0].attempts
    assert found[1].attempts != usual[1].attempts  # by their step size
    assert AttackChoice(["none"], effort={"draws": 2}).built(build, ["pgd"], "Linf", "1/255") == []
