"""The card of a run: written with it, and anew with everything that is measured of it."""

import hashlib
import json
import re
import shutil

import pytest
import torch

from hardsight.core.words import in_words
from hardsight.data import Manifest
from hardsight.evaluation import Execution, Protocol, Terms
from hardsight.evaluation.certified.plan import Smoothing
from hardsight.reports import write_report
from hardsight.runs import RunError, open_run, recalibrate, start_run
from hardsight.runs.figures import AttackChoice, CertificateChoice, ImageChoice, figures_of


def section(card: str, title: str) -> str:
    """The text below a heading."""
    return card.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(card: str) -> list[dict[str, str]]:
    """The lines of the first table of figures, by its heads."""
    lines = [line.strip("| ").split(" | ") for line in section(card, "Measured").splitlines()]
    table = [line for line in lines if len(line) > 3]
    return [dict(zip(table[0], line, strict=True)) for line in table[2:]]


@pytest.fixture(scope="module")
def measured(run, tmp_path_factory):
    """The run with an evaluation of six of its images and a certificate of four."""
    work = open_run(shutil.copytree(run.path, tmp_path_factory.mktemp("measured") / "r"))
    figures, folder = figures_of(work, "cpu"), tmp_path_factory.mktemp("state")
    choice = AttackChoice(("pgd",), "Linf", "2/255", "fast", {"steps": 1, "draws": 1}, "")
    planned = figures.evaluation(ImageChoice(None, 6), choice, Protocol(2, 0, 4, 0))
    write_report(planned.carry_out(Execution(folder)), work.path / "evaluation")
    terms = Terms(0.1, 30, 0.1, radii=(0.0, 0.01))
    smoothing = Smoothing(pixels=0, batch_size=16)
    certified = figures.certificates(
        ImageChoice(None, 4), CertificateChoice(terms, smoothing, ["plain"], ()), Execution(folder)
    )
    write_report(certified, work.path / "certificate", "certificate")
    work.renew_card()
    return work


def test_a_fit_writes_it_with_data_recipe_and_what_is_not_measured(run):
    card = (run.path / "README.md").read_text()
    assert card == run.card()
    assert Manifest.read(run.path / "manifest.json").sha256 in section(card, "Data")
    assert "4 normal and 4 anomalous test images" in section(card, "Data")
    assert "steps=6, " in section(card, "Recipe")
    promise = run.detector("cpu").calibration.statement
    assert section(card, "Threshold").strip() == promise
    assert "Nothing was measured yet." in section(card, "Measured")
    for command in ("evaluate", "audit", "certify"):
        assert f"hardsight {command} " in section(card, "Not measured")


def test_what_a_fit_chose_on_validation_data_stands_in_the_card_and_is_said(run):
    assert "Chosen on validation data" not in run.card()
    report = run.path / "selection.json"
    report.write_text(json.dumps({"statement": "The best of 3 scorings."}))
    assert section(run.card(), "Chosen on validation data").strip() == "The best of 3 scorings."
    assert run.remarks()[1] == "The best of 3 scorings."
    report.write_text(json.dumps({"candidates": []}))  # of before
    assert "Chosen on validation data" not in run.card()
    report.unlink()


def test_its_hashes_are_those_of_the_files(run):
    told = dict(re.findall(r"^- (\S+): `(\w{64})`$", run.card(), re.MULTILINE))
    for name in ("model.safetensors", "config.yaml", "manifest.json", "calibration.json"):
        assert told[name] == hashlib.sha256((run.path / name).read_bytes()).hexdigest()


def test_its_example_loads_the_run_and_judges(run, parts, monkeypatch, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", run.card(), re.DOTALL)
    shutil.copy(parts / "test/spot/000.png", tmp_path / "part.png")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(code.replace("THIS FOLDER", str(run.path)), names)
    assert names["found"].pred_label.shape == (1,)


def test_every_figure_has_its_attack_and_its_images(measured):
    card = (measured.path / "README.md").read_text()
    attacked = [row for row in rows(card) if row["Attack"] == "pgd"]
    report = json.loads((measured.path / "evaluation/report.json").read_text())
    expected = next(r for r in report["rows"] if r["attack"] == "pgd")
    assert attacked[0]["Figure"].startswith(f"{expected['mean'][0]:.3f}")
    assert attacked[0]["Perturbation"] == "L-inf 2/255"
    assert {row["Images"] for row in attacked} == {"6"}
    assert "PGD 1 step" in attacked[0]["Budget"]
    assert "Only 6 of 8 test images" in section(card, "Measured")


def test_a_certificate_stands_with_its_images_and_confidence(measured):
    told = section((measured.path / "README.md").read_text(), "Measured")
    assert "30 noisy copies (sigma 0.1) of 4 images, confidence 0.9 an image" in told
    assert "hardsight certify" not in section(measured.card(), "Not measured")


def test_other_threats_are_named_as_not_measured(measured):
    missing = section(measured.card(), "Not measured")
    assert all(name in missing for name in ("L2", "light", "sticker"))
    assert "Linf" not in missing


def test_figures_of_other_weights_are_not_its_own(measured, tmp_path):
    other = open_run(shutil.copytree(measured.path, tmp_path / "r"))
    detector = other.detector("cpu")
    with torch.no_grad():
        next(detector.parameters()).add_(1)
    (other.path / "model.safetensors").unlink()
    detector.save_pretrained(other.path)
    assert "Nothing was measured yet." in section(other.card(), "Measured")


def test_settings_are_told_by_dotted_names_and_not_as_code(measured):
    recipe = section(measured.card(), "Recipe")
    assert f"`{in_words(measured.config.model_dump(mode='json')['training'])}`" in recipe
    assert '{"' not in measured.card()
    report = json.loads((measured.path / "evaluation/report.json").read_text())
    assert "{" not in report["provenance"]["detector"]


def test_a_damaged_report_is_named(measured, tmp_path):
    other = open_run(shutil.copytree(measured.path, tmp_path / "r"))
    (other.path / "evaluation/report.json").write_text("{")
    with pytest.raises(ValueError, match=r"report\.json is damaged"):
        other.card()


def test_an_unfinished_run_has_none(run, tmp_path):
    with pytest.raises(RunError, match="--resume"):
        start_run(tmp_path / "r", run.config).card()


def test_rows_of_an_earlier_report_are_shown_without_their_images(measured, tmp_path):
    other = open_run(shutil.copytree(measured.path, tmp_path / "r"))
    path = other.path / "evaluation/report.json"
    report = json.loads(path.read_text())
    for row in report["rows"]:
        del row["images"]
    path.write_text(json.dumps(report))
    assert "Images" not in rows(other.card())[0]
    assert len(rows(other.card())) == len(report["rows"])


def test_a_damaged_report_costs_no_other_measurement(run, tmp_path, caplog):
    other = open_run(shutil.copytree(run.path, tmp_path / "r"))
    before = (other.path / "README.md").read_text()
    (other.path / "certificate").mkdir()
    (other.path / "certificate/certificate.json").write_text('{"certificates": [')
    found = recalibrate(other, device="cpu")
    assert found.after == other.detector("cpu").calibration
    assert (other.path / "README.md").read_text() == before
    (said,) = caplog.messages
    assert f"{other.path / 'README.md'} is not of the last measurement: " in said
    assert "certificate.json is damaged" in said
