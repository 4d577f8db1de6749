"""Methods of a plan that share trained parts, threats that are corruptions, and averages."""

from dataclasses import replace

import pytest
from class_files import TINY, write_digits
from pydantic import ValidationError

from hardsight.benchmark import Measurement, Places, Plan, Workers, carry_out, entries
from hardsight.benchmark.averages import threat_averages
from hardsight.benchmark.parts import take_parts
from hardsight.benchmark.site import write_site
from hardsight.synthesis import CORRUPTIONS

THREATS = [
    {"norm": "Linf", "eps": "0.05", "suites": ["pgd"]},
    {"norm": "L2", "eps": "0.3", "suites": ["pgd"]},
    {"severities": [2]},
]


def small(preset, **changes):
    method = {"preset": str(preset), "name": "base"}
    lent = {"classifier": "base", "denoiser": "base"}
    other = {"preset": str(preset), "name": "deeper", "parts": lent}
    values = {
        "title": "small",
        "methods": [other | {"settings": {"purifier.depth": 60}}, method],
        "data": [{"name": "mnist", "folder": "."}],
        "threats": THREATS,
        "how": {
            "images": 4,
            "effort": {"steps": 1, "draws": 1},
            "fresh_draws": 2,
            "batch_size": 40,
            "pictures": 0,
        },
    }
    return Plan.model_validate(values | changes)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    preset = folder / "ddim.yaml"
    preset.write_text(TINY["ddim"], encoding="utf-8")
    places = Places(folder / "out", write_digits(folder / "digits"))
    plan = small(preset)
    return plan, places, carry_out(plan, places, Workers(), lambda *what, **more: None)


def test_a_method_takes_the_parts_of_another_and_is_carried_out_after_it(measured):
    plan, places, outcome = measured
    assert outcome.failed == {}
    assert [job.method.label for job in outcome.finished] == ["base", "deeper"]
    found = entries(places.results).values()
    held = {entry.method: entry.checkpoints for entry in found}
    assert held["deeper"] == held["base"]
    deeper = next(entry for entry in found if entry.method == "deeper")
    assert deeper.parts == {"classifier": "base", "denoiser": "base"}
    assert (deeper.trained, deeper.random) == (None, True)
    job = next(plan.jobs())
    assert Measurement(job, plan, places).run.config.purifier.depth == 60
    kept = Measurement(job, plan, places).kept(plan.threats[0])
    assert kept is not None
    trained = replace(job, method=job.method.model_copy(update={"parts": {}}))
    assert Measurement(trained, plan, places).kept(plan.threats[0]) is None


def test_corruptions_are_a_threat_without_an_attack(measured):
    _, places, _ = measured
    (found,) = (e for e in entries(places.results).values() if e.corrupted and e.method == "base")
    assert found.threat.name == "corruptions 2"
    assert {(c.corruption, c.severity) for c in found.corrupted} == {(c, 2) for c in CORRUPTIONS}
    assert {row.attack for row in found.attacked} == {"clean"}


def test_averages_are_over_all_threats_and_those_not_trained_on(measured, tmp_path):
    _, places, _ = measured
    own = [e for e in entries(places.results).values() if e.method == "base"]
    values = [e.attacked[1].mean.value for e in own if e.threat.attacked]
    ((data, seed, found),) = threat_averages(own)
    assert (data, seed, found.suite, len(found.threats)) == ("mnist", 0, "pgd", 2)
    assert found.all == found.unseen == pytest.approx(sum(values) / 2)
    data = [e.data.model_copy(update={"name": str(i), "category": "a"}) for i, e in enumerate(own)]
    apart = [e.model_copy(update={"data": one}) for e, one in zip(own, data, strict=True)]
    assert threat_averages(apart) == []  # of two data sets, in each under one threat
    trained = [e.model_copy(update={"trained": ("L2", 0.3)}) for e in own]
    unseen = next(e for e in own if e.threat.name == "Linf 0.05").attacked[1].mean.value
    assert threat_averages(trained)[0].values.unseen == unseen
    page = (write_site(places.results, tmp_path / "site").parent / "methods/base.html").read_text()
    assert "Over threat models" in page
    assert "Common corruptions" in page


@pytest.mark.parametrize("lender", ["nobody", "deeper"])
def test_a_part_is_lent_by_a_method_that_trains_its_own(tmp_path, lender):
    preset = tmp_path / "ddim.yaml"
    preset.write_text(TINY["ddim"], encoding="utf-8")
    methods = [
        {"preset": str(preset), "name": "base"},
        {"preset": str(preset), "name": "deeper", "parts": {"classifier": lender}},
    ]
    with pytest.raises(ValidationError, match=f"classifier is of '{lender}'.*choose from base"):
        small(preset, methods=methods)


def test_a_part_that_was_not_trained_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no denoiser: the method that trains it"):
        take_parts(tmp_path / "run", {"denoiser": tmp_path / "other"})
