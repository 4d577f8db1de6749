"""Anomalib's models, fitted and measured in stages; skipped without the extra."""

import json
import sys

import pytest
import torch

pytest.importorskip("anomalib", reason="needs the extra: pip install 'hardsight[anomalib]'")

import anomalib_models
import figures
from anomalib_fitting import RECIPES, Recipe, Subject

from hardsight.core.modules import in_mode
from hardsight.data import load
from hardsight.metrics import auroc

SIZE = 32


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """Small images, one pass of training, figures in a temporary folder."""
    monkeypatch.setattr(anomalib_models, "SIZE", SIZE)
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    monkeypatch.setitem(RECIPES, "STFPM", Recipe("Stfpm", (1, 2), epochs=1, claimed=True))
    monkeypatch.setitem(RECIPES, "PaDiM", Recipe("Padim", (2,), {"n_features": 10}))


@pytest.fixture
def subject(parts, tmp_path):
    return lambda method: Subject(method, load(parts, size=SIZE), 0, tmp_path / method)


def test_the_stages_of_a_model_are_its_own_scores_and_are_made_once(
    subject, parts, tmp_path, monkeypatch, capsys
):
    chosen = ["--models", "PaDiM", "--images", "4", "--suites", "fgsm", "--balls", "Linf:2/255"]
    places = ["--runs", str(tmp_path), "--results", "found"]
    monkeypatch.setattr(sys, "argv", ["it", str(parts), *chosen, *places])
    anomalib_models.main()
    (key, entry), *_ = json.loads((tmp_path / "found.json").read_text()).items()
    assert key == f"anomalib PaDiM, {parts.name}, seed 0"
    attack = "fgsm, L-inf 2/255, 4 images, fast"
    assert list(entry) == ["fit", "clean", "scoring", "gradient", attack]
    assert entry["gradient"]["adapter"] == "accepted"
    assert entry["gradient"]["as shipped"].startswith("none")
    module = subject("PaDiM").fitted()
    test = load(parts, size=SIZE).test
    images = module.pre_processor.transform(test.images().float() / 255)
    with torch.no_grad(), in_mode("eval", module):
        scores = module.model(images).pred_score.flatten().double().numpy()
    assert entry["clean"]["rows"][0]["mean"][0] == auroc(scores, test.labels)
    figures.write("baselines", {key.removeprefix("anomalib ").lower(): entry})
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--table"])
    anomalib_models.main()
    said = capsys.readouterr().out
    assert "is done" not in said
    clean = entry["clean"]["rows"][0]["mean"][0]
    for name in ("anomalib PaDiM", "`padim`"):
        assert f"| {name} | {parts.name} | {clean:.3f} |" in said


def test_a_teacher_has_the_backbones_weights_and_its_student_is_trained(subject):
    one = subject("STFPM")
    built, fitted, again = one.build(), one.fitted(), one.fitted()
    network = one.backbone.network.state_dict()
    for name, weight in fitted.model.teacher_model.feature_extractor.state_dict().items():
        assert torch.equal(weight, network[name])
    name = "conv_stem.weight"
    students = [
        m.model.student_model.feature_extractor.get_parameter(name) for m in (fitted, again)
    ]
    assert torch.equal(*students)  # of one seed
    assert not torch.equal(students[0], network[name])
    assert not built.model.student_model.feature_extractor.get_parameter(name).equal(students[0])


def test_a_claim_is_attacked_through_the_gradient_as_shipped_too(subject):
    model = anomalib_models.AnomalibModel(subject("STFPM"), anomalib_models.Attacks((), 4))
    assert model.weights is None
    assert model.fit()["weights"] == model.weights
    suite = anomalib_models.build_suite("fgsm", "Linf", "10/255")
    shipped = model.attack_as_shipped(suite)["rows through the gradient as shipped"]
    exact = model.attack(suite)["rows"]
    assert (
        {row["attack"] for row in shipped} == {row["attack"] for row in exact} == {"clean", "fgsm"}
    )
    clean = [row["mean"] for row in shipped if row["attack"] == "clean"]
    assert clean == [row["mean"] for row in exact if row["attack"] == "clean"]


def test_a_model_whose_gradient_is_refused_is_not_attacked(subject):
    model = anomalib_models.AnomalibModel(subject("PaDiM"), anomalib_models.Attacks((), 4))
    model.gradient = {"adapter": "refused: it is zero"}
    suite = anomalib_models.build_suite("pgd", "Linf", "2/255")
    assert model.attack(suite) == {
        "not run": "pgd",
        "why": "the check of the gradient refused the model",
    }


def test_an_attack_that_finds_no_gradient_on_its_way_goes_on_and_says_so(subject, monkeypatch):
    """Far from all training images the density of DFKDE is zero in float32, its logarithm flat."""
    monkeypatch.setitem(RECIPES, "DFKDE", Recipe("Dfkde", (2,), {"n_pca_components": 3}))
    model = anomalib_models.AnomalibModel(subject("DFKDE"), anomalib_models.Attacks((), 4))
    model.fit()
    found = model.attack(anomalib_models.build_suite("pgd", "Linf", "128/255"))
    (row,) = [r for r in found["rows"] if r["attack"] == "pgd" and r["metric"] == "AUROC"]
    assert "unreliable: finite gradients: Non-finite gradients on " in row["flags"][-1]


def test_patchcores_bank_has_the_size_of_the_preset(subject, monkeypatch):
    monkeypatch.setattr("anomalib_fitting.BANK", 20)
    one = subject("PatchCore")
    assert one.used(one.fitted()) == {"taps": [2, 3], "bank": 20}
