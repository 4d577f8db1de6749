import pytest
from typed import call, words

import hardsight
from hardsight.attacks import attack_names
from hardsight.cli.console import console
from hardsight.config import CONFIGS
from hardsight.evaluation.accuracy import evaluate_classifier
from hardsight.purifiers import Purified


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setattr(console, "width", 200)  # names are not broken


def rows(text: str) -> list[list[str]]:
    lines = [line.split("│") for line in text.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line[1:-1]] for line in lines]


def test_one_list_holds_the_suites_of_detectors_and_of_classifiers():
    found = [(r[0], r[1]) for r in rows(call("suites").stdout) if r[0]]
    names = {kind: [n for n, k in found if k == kind] for kind in ("detector", "classifier")}
    for kind, listed in names.items():
        assert listed == list(attack_names(kind))


def test_methods_say_what_they_find():
    found = {r[0]: r[1] for r in rows(call("methods").stdout) if r[0]}
    assert set(found) == set(CONFIGS)
    assert (found["patchguard"], found["rap"]) == ("anomalies", "classes")


def test_presets_of_classifiers_are_listed_and_shown():
    said = words(call("presets"))
    for name in ("rap-mnist", "mnist-pgd", "ddim-cifar10", "one-shot-mnist"):
        assert name in said
    assert "step_size: 0.02" in call("presets", "rap-mnist").stdout


def test_names_for_python():
    assert hardsight.Purified is Purified
    assert hardsight.evaluate_classifier is evaluate_classifier
