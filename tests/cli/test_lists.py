import pytest
import torch
from typed import call, words

import hardsight
from hardsight.attacks import THREATS, attack_names
from hardsight.cli.console import console
from hardsight.cli.pace import duration
from hardsight.config import CONFIGS
from hardsight.core.devices import pick_device
from hardsight.core.installed import extras
from hardsight.core.machine import used_instructions
from hardsight.core.precision import resolve
from hardsight.core.speed import slowness
from hardsight.detectors.methods import METHODS
from hardsight.evaluation import evaluate_classifier
from hardsight.purifiers import Purified


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setattr(console, "width", 200)  # names are not broken


def rows(text: str) -> list[list[str]]:
    lines = [line.split("│") for line in text.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line[1:-1]] for line in lines]


def test_suites_of_detectors_and_of_classifiers_are_listed_in_order_and_whole(monkeypatch):
    monkeypatch.setattr(console, "width", 80)
    found = [(r[0], r[2]) for r in rows(call("suites").stdout) if r[0]]
    aims = {"detector": ("score", "map"), "classifier": ("class",)}
    for kind, aim in aims.items():
        assert [name for name, at in found if at in aim] == list(attack_names(kind))


def test_the_list_of_suites_says_what_threats_there_are():
    found = {r[0]: r[1:] for r in rows(call("suites").stdout) if r[0]}
    for name, threat in THREATS.items():
        change, severity, usual = found[name]
        assert threat.change().startswith(change[:40])
        assert threat.severity.startswith(severity[:30])
        assert usual == f"{threat.default:.2g}"


def test_lists_are_plain_text():
    """Their words come from docstrings, which mark code."""
    for name in ("suites", "methods", "presets"):
        assert "`" not in call(name).stdout


def test_methods_say_what_they_are_good_at_and_how_long_they_take():
    said = call("methods").stdout
    found = {r[0]: r[1:] for r in rows(said) if r[0]}
    assert set(found) == {m.preset for m in METHODS.values()} | CONFIGS.keys() - METHODS.keys()
    assert len(found["rap"]) == 1
    slow = slowness(torch.device("cpu"))
    for method in METHODS.values():
        what, *times, graph = found[method.preset]
        assert graph == ("yes" if method.detector.exportable else "no")
        assert what.startswith(method.summary[:40])
        assert f"{method.strength[0].upper()}{method.strength[1:40]}" in said
        assert [t == "-" for t in times] == [s is None for s in method.seconds]
    assert found["advrad"][1] == duration(slow * METHODS["advrad"].seconds.fit)
    assert "(method bastion)" in said


def test_presets_of_classifiers_are_listed_and_shown():
    said = words(call("presets"))
    for name in ("rap-mnist", "mnist-pgd", "ddim-cifar10", "one-shot-mnist"):
        assert name in said
    assert "step_size: 0.02" in call("presets", "rap-mnist").stdout


def test_the_doctor_tells_what_the_machine_is_and_what_is_missing():
    done = call("doctor")
    assert done.exit_code == 0, words(done)
    found = {r[0]: r[1:] for r in rows(done.stdout) if r[0]}
    chosen = resolve("auto", pick_device("auto"))
    assert found["precision"][0].startswith(f"{chosen.name} on ")
    assert found["threads"][0].startswith(f"{torch.get_num_threads()} compute")
    assert used_instructions() in found["instruction sets"][0]
    assert found["devices"][0].endswith("cpu")
    lacking = {extra.name: bool(extra.missing) for extra in extras()}
    assert {name: found[name][0].startswith("no") for name in lacking} == lacking
    assert "hardsight watch of videos" in found["video"][1]


def test_names_for_python():
    assert hardsight.Purified is Purified
    assert hardsight.evaluate_classifier is evaluate_classifier
