"""``hardsight evaluate`` and ``certify`` for classifiers, as a person types it."""

import json
from dataclasses import replace

import pytest
import torch
from class_files import write_digits, write_preset
from typed import call, interrupted, words

from hardsight.config import load_preset
from hardsight.evaluation import Protocol
from hardsight.runs import open_run
from hardsight.runs.figures import AttackChoice, ImageChoice, figures_of
from hardsight.runs.figures.classifier import published_method, threat


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    digits = write_digits(folder / "digits")
    for name in ("classifier", "rap", "ddim", "one-shot"):
        given = [] if name == "classifier" else ["--set", f"classifier.run={folder}/classifier"]
        done = call(
            "fit", write_preset(folder, name), "--data", digits, "--run", folder / name, *given
        )
        assert done.exit_code == 0, words(done)
    return folder


SMALL = ("--steps", 2, "--gallery", 2, "--eps", 0.1, "--limit", 20, "--fresh-draws", 3)


def test_the_report_of_a_plain_classifier(runs):
    run = runs / "classifier"
    done = call("evaluate", run, *SMALL)
    assert done.exit_code == 0, words(done)
    report = json.loads((run / "evaluation/report.json").read_text())
    assert [r["attack"] for r in report["rows"]] == ["clean", "pgd", "autoattack"]
    model, test = open_run(run).classifier("cpu"), open_run(run).labelled().limited(20)
    with torch.no_grad():
        right = (model(test.images / 255).argmax(1) == test.labels).double().mean()
    assert report["rows"][0]["mean"][0] == pytest.approx(float(right))
    assert all(r["eps"] == 0.1 for r in report["rows"][1:])
    (curve,) = report["curves"]
    (line,) = curve["lines"].values()
    assert [x for x, _ in line] == pytest.approx([0, 0.0125, 0.025, 0.05, 0.1])
    assert report["provenance"]["run"] == "classifier"
    assert any("Only 20 of 40" in n for n in report["notes"])
    assert "autoattack" in (run / "evaluation/report.md").read_text()
    assert (run / "evaluation/report.html").stat().st_size > 10_000
    assert "right when left alone" in words(done)
    assert "report.html" in words(done).replace(" ", "")


def test_rap_is_attacked_where_it_was_trained_and_says_what_is_assumed(runs, tmp_path):
    done = call("evaluate", runs / "rap", "--suite", "pgd", "--steps", 2, "--limit", 10,
                "--curve", "", "-o", tmp_path)  # fmt: skip
    assert done.exit_code == 0, words(done)
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["rows"][1]["norm"], report["rows"][1]["eps"]) == ("Linf", 0.1)
    assert "assumed" in report["provenance"]["rap.step_size"]
    page = (tmp_path / "report.html").read_text()
    assert "lambda is not given" in page
    assert "FGSM, BIM and DeepFool" in page  # what is known of the published figures


def test_a_random_defence_gets_the_attacks_of_its_paper(runs, tmp_path):
    arguments = ("evaluate", runs / "ddim", *SMALL, "--draws", 2, "--curve", "", "-o", tmp_path)
    done = call(*arguments)
    assert done.exit_code == 0, words(done)
    report = json.loads((tmp_path / "report.json").read_text())
    names = ["clean", "bpda-eot", "blau-pgd", "blau-eot"]
    assert [r["attack"] for r in report["rows"]] == names
    assert all(r["fresh_draws"] == 3 and r["worst"] for r in report["rows"])
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "state").rglob("*.safetensors")}
    assert call(*arguments).exit_code == 0
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "state").rglob("*.safetensors")} == stamps


def test_a_purifier_gets_the_attacks_that_came_later(runs, tmp_path):
    names = ("surrogate-eot", "deviation", "purification", "resubmission")
    asked = [part for name in names for part in ("--suite", name)]
    done = call("evaluate", runs / "ddim", "--steps", 1, "--draws", 1, "--eps", 0.1, "--limit", 10,
                "--fresh-draws", 2, "--curve", "", "--gallery", 0, "-o", tmp_path, *asked,
                "--threat", "low-frequency")  # fmt: skip
    assert done.exit_code == 0, words(done)
    report = json.loads((tmp_path / "report.json").read_text())
    assert [r["attack"] for r in report["rows"]] == ["clean", *names]
    assert {r["norm"] for r in report["rows"][1:]} == {"low-frequency"}
    assert "through a shorter process" in report["rows"][3]["budget"]["attacks"]
    assert report["rows"][4]["budget"]["submissions"] == 10
    assert any("attacked and submitted 10 times" in note for note in report["notes"])
    refused = call("evaluate", runs / "ddim", "--suite", "vote-eot", "--limit", 10)
    assert refused.exit_code == 1
    assert "combine: vote" in words(refused)


def test_other_images_and_another_source(runs, tmp_path):
    other = write_digits(tmp_path / "other", seed=5)
    done = call(
        "evaluate", runs / "rap", *SMALL, "--data", other, "--suite", "transfer", "--curve", "",
        "--source", runs / "classifier", "-o", tmp_path / "out",
    )  # fmt: skip
    assert done.exit_code == 0, words(done)
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["rows"][1]["attack"] == "transfer"
    digest = report["provenance"]["images (SHA-256)"]
    assert digest != open_run(runs / "rap").labelled().limited(20).sha256


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--suite", "segpgd"), "suite='segpgd' is not for a classifier; choose from"),
        (("--eps", "eight"), "write 8/255 or 0.0314"),
        (("--eps", "8"), "did you mean 8/255"),
        (("--norm", "L3"), "choose from Linf, L2"),
        (("--budget", "quick"), "choose from fast, full"),
        (("--data", "nowhere"), "holds no CIFAR-10"),
    ],
)
def test_evaluate_explains_what_is_wrong(runs, arguments, message):
    done = call("evaluate", runs / "classifier", *arguments)
    assert done.exit_code == 1
    assert message in words(done)


def test_the_threat_model_is_that_of_the_training_or_a_usual_one():
    ball = load_preset("mnist-pgd").trained_on
    assert threat(AttackChoice(), ball) == ("Linf", 0.3)
    assert threat(AttackChoice(), None) == ("Linf", 8 / 255)
    assert threat(AttackChoice(norm="L2"), ball) == ("L2", 0.5)  # not 0.3, of another norm
    assert threat(AttackChoice(norm="L2", eps="1"), ball) == ("L2", 1)


@pytest.mark.parametrize(
    ("name", "suites"),
    [("classifier", ["pgd", "autoattack"]), ("ddim", ["bpda-eot", "blau-pgd", "blau-eot"])],
)
def test_the_attacks_that_are_the_default(runs, name, suites):
    figures = figures_of(open_run(runs / name), "cpu")
    planned = figures.evaluation(ImageChoice(limit=10), AttackChoice(eps="0.4"), Protocol())
    assert [s.name for s in planned.suites] == suites
    assert {s.ball.eps for s in planned.suites} == {0.4}
    assert planned.protocol.curve == pytest.approx([0.05, 0.1, 0.2, 0.4])
    assert AttackChoice(curve="1,2").radii(planned.protocol.curve) == [1, 2]
    assert AttackChoice(curve="").radii(planned.protocol.curve) == []


def test_published_figures_are_those_of_the_same_method_and_data(runs):
    digits = open_run(runs / "rap").labelled()
    assert published_method(load_preset("rap-mnist"), digits) == "rap-mnist"
    assert published_method(load_preset("mnist-pgd"), digits) == "madry-mnist"
    assert published_method(open_run(runs / "classifier").config, digits) is None
    assert published_method(load_preset("ddim-cifar10"), digits) is None
    others = replace(digits, name="Digits test")
    assert published_method(load_preset("rap-mnist"), others) is None


CERTIFY = ("--n", 60, "--sigma", 0.25, "--radii", "0,0.1,0.4", "--limit", 10)


def test_empirical_accuracy_beside_the_certified_one(runs, tmp_path):
    """Denoised smoothing, attacked in L2 within the radii of its certificate."""
    done = call("certify", runs / "one-shot", *CERTIFY, "--attack", "eot-pgd", "--steps", 3,
                "--draws", 2, "-o", tmp_path)  # fmt: skip
    assert done.exit_code == 0, words(done)
    found = json.loads((tmp_path / "certificate.json").read_text())
    assert [a["radius"] for a in found["attacks"]] == [0.1, 0.4]
    for row, attack in zip(found["rows"][1:], found["attacks"], strict=True):
        assert row["accuracy"] == attack["certified"] <= attack["accuracy"]
        assert attack["broken"] == 0
    assert "under eot-pgd" in (tmp_path / "certificate.html").read_text()


@pytest.mark.parametrize("name", ["classifier", "rap", "one-shot"])
def test_certified_accuracy(runs, name):
    run = runs / name
    done = call("certify", run, *CERTIFY)
    assert done.exit_code == 0, words(done)
    found = json.loads((run / "certificate/certificate.json").read_text())
    accuracies = [r["accuracy"] for r in found["rows"]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] > 0.5
    for row in found["rows"]:
        right = [
            i["predicted"] == i["class"] and i["radius"] >= row["radius"] for i in found["images"]
        ]
        assert row["accuracy"] == pytest.approx(sum(right) / 10)
    assert "What this does not say" in (run / "certificate/certificate.md").read_text()
    page = (run / "certificate/certificate.html").read_text()
    assert "<svg" in page
    assert "Only 10 of 40 test images" in page
    assert "certainly right when left alone" in words(done)
    stamps = {p: p.stat().st_mtime_ns for p in run.glob("certificate/state/*/*.safetensors")}
    assert len(stamps) == 10
    assert call("certify", run, *CERTIFY).exit_code == 0
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps


def test_the_noise_of_a_one_shot_certificate_is_the_diffusions(runs):
    model = open_run(runs / "one-shot").classifier("cpu", sigma=0.1)
    x = open_run(runs / "one-shot").labelled().images[:2] / 255
    assert (model.purifier.sigma, model.purifier.noisy) == (0.1, True)
    assert model.sample_noise(x) is None
    assert open_run(runs / "one-shot").classifier("cpu").sample_noise(x) is not None


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("ddim", (), "purifies by ddim"),
        ("classifier", ("--sigma", "0"), "sigma must be finite"),
        ("classifier", ("--alpha", "2"), "alpha must be"),
        ("one-shot", ("--sigma", "300"), "is no noise level of the diffusion"),
    ],
)
def test_certify_explains_what_is_wrong(runs, name, arguments, message):
    done = call("certify", runs / name, *arguments)
    assert done.exit_code == 1
    assert message in words(done)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("evaluate", "--synthetic"), "--synthetic"),
        (("audit", "--synthetic"), "--synthetic"),
        (("certify", "--design", "plain", "--early-stopping"), "--design and --early-stopping"),
        (("certify", "--choose-sigma", "--sigmas", "1"), "--choose-sigma and --sigmas"),
        (("certify", "--pixels", 0), "--pixels"),
    ],
)
def test_options_of_detectors_are_refused(runs, arguments, named):
    command, *options = arguments
    done = call(command, runs / "classifier", *options)
    assert done.exit_code == 1
    assert f"{named}: for detectors only, and" in words(done)
    assert "holds a classifier; leave that out" in words(done)


def test_after_ctrl_c_and_started_again_it_goes_on(runs, tmp_path):
    arguments = ("evaluate", runs / "classifier", "--suite", "pgd", "--curve", "", "--steps", 100,
                 "--batch-size", 4, "-o", tmp_path)  # fmt: skip
    kept = lambda: list(tmp_path.glob("state/*/*.safetensors"))  # noqa: E731
    stopped = interrupted(lambda: len(kept()) > 10, *arguments)  # ten batches are clean
    assert stopped.exit_code == 130, words(stopped)
    stamps = {p: p.stat().st_mtime_ns for p in kept()}
    done = call(*arguments)
    assert done.exit_code == 0, words(done)
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps
    assert json.loads((tmp_path / "report.json").read_text())["rows"][1]["attack"] == "pgd"
