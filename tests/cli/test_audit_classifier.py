"""``hardsight audit`` of classifiers, and what ``hardsight evaluate`` makes of it."""

import json
import shutil

import pytest
import yaml
from class_files import write_digits, write_preset
from safetensors.torch import load_file, save_file
from typed import call, words

from hardsight.audit import CHECKS, Audit, Check
from hardsight.evaluation.provenance import fingerprint
from hardsight.runs import open_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audited")
    digits = write_digits(folder / "digits")
    for name in ("classifier", "rap", "one-shot"):
        given = [] if name == "classifier" else ["--set", f"classifier.run={folder}/classifier"]
        done = call(
            "fit", write_preset(folder, name), "--data", digits, "--run", folder / name, *given
        )
        assert done.exit_code == 0, words(done)
    return folder


@pytest.fixture
def copied(runs, tmp_path):
    return lambda name: shutil.copytree(runs / name, tmp_path / name)


def evaluated(run):
    done = call("evaluate", run, "--suite", "pgd", "--steps", 2, "--curve", "", "--gallery", 2,
                "--limit", 10, "--fresh-draws", 2)  # fmt: skip
    assert done.exit_code == 0, words(done)
    report = json.loads((run / "evaluation/report.json").read_text())
    assert not any(r["flags"] for r in report["rows"] if r["norm"] is None)
    (flags,) = {tuple(r["flags"]) for r in report["rows"] if r["norm"] is not None}
    return flags, report["notes"], words(done)


@pytest.mark.parametrize("name", ["classifier", "rap", "one-shot"])
def test_what_was_found_is_on_every_row(copied, name):
    """Plain, behind an adapter, and behind a random purifier."""
    run = copied(name)
    done = call("audit", run, "--quick", "--images", 20, "--batch-size", 20)
    found = Audit.read(run / "audit/audit.json")
    assert done.exit_code == (0 if found.passed else 2), words(done)
    assert found.headline.split(":")[0] in words(done)
    assert [c.name for c in found.checks] == list(CHECKS)
    assert found.provenance["images"] == "20 of 10 classes"
    assert found.weights == fingerprint(open_run(run).classifier("cpu"))
    assert found["gradient"].verdict == found["mode"].verdict == "pass", found.to_json()
    assert (found["bpda"].verdict == "skipped") is (name == "classifier")
    assert (found["agreement"].verdict == "skipped") is (name != "one-shot")
    assert found.eps == pytest.approx(0.1 if name == "rap" else 8 / 255)  # RAP's own
    assert "<svg" in (run / "audit/audit.html").read_text()
    assert "| gradient | pass |" in (run / "audit/audit.md").read_text()
    flags, notes, _ = evaluated(run)
    assert flags == found.stamp
    assert any(n.startswith("Audit at L-inf") for n in notes)


def test_an_honest_one_passes(copied):
    run = copied("classifier")
    done = call("audit", run, "--eps", 0.05, "--images", 40, "--budget", "default")
    assert done.exit_code == 0, words(done)
    found = Audit.read(run / "audit/audit.json")
    assert not found.of("fail")
    assert evaluated(run)[0] == ()


def failed(run, images):
    done = call("audit", run, "--quick", "--images", images)
    assert done.exit_code == 2, words(done)
    return Audit.read(run / "audit/audit.json")


def test_a_purifier_fails_by_another_gradient_than_its_own(copied):
    """DiffPure's was that of the adjoint SDE: another where the process has few steps."""
    run = copied("one-shot")  # whose denoiser the same configuration may use otherwise
    path = run / "config.yaml"
    config = yaml.safe_load(path.read_text())
    purifier = {"depth": 60, "stride": 30, "gradient": "adjoint"}
    path.write_text(yaml.safe_dump({**config, "method": "diffpure", "purifier": purifier}))
    found = failed(run, 4)
    assert found["gradient"].verdict == "fail"
    flags, _, said = evaluated(run)
    assert flags == found.stamp
    assert "unreliable: gradient" in said


def test_logits_that_are_too_large_are_caught(copied):
    run = copied("classifier")
    path = run / "classifier/model.safetensors"
    weights = load_file(path)
    last = max(k for k in weights if k.endswith("weight"))
    for name in (last, last.replace("weight", "bias")):
        weights[name] *= 1e4
    save_file(weights, path)
    found = failed(run, 20)
    assert found["saturation"].verdict == "fail"
    flags, _, said = evaluated(run)
    assert flags == found.stamp
    assert "unreliable: saturation" in said


def test_a_failed_check_is_on_every_row_picture_and_table(copied):
    run = copied("classifier")
    checks = (
        Check("square", "fail", "A random search does more harm."),
        Check("step", "fail", "The attack wanders."),
    )
    weights = fingerprint(open_run(run).classifier("cpu"))
    stamped = Audit(checks, "MNISTCNN on digits", weights, "Linf", 0.1, kind="classifier")
    stamped.write(run / "audit/audit.json")
    flags, notes, said = evaluated(run)
    assert flags == stamped.stamp
    assert any("this classifier must not be trusted" in n for n in notes)
    assert "perhaps fewer, for the attack is unreliable: square, step" in said
    page = (run / "evaluation/report.html").read_text()
    assert page.count("<figcaption>attacked, unreliable</figcaption>") == 2
    assert "the check square: A random search does more harm." in page
    markdown = (run / "evaluation/report.md").read_text()
    assert "check step: The attack wanders." in markdown


def test_without_an_audit_or_with_a_stale_one_figures_say_so(copied):
    run = copied("classifier")
    flags, notes, said = evaluated(run)
    assert flags == ("not audited",)
    assert any(n.startswith("The classifier was not audited; do it with") for n in notes)
    assert "perhaps fewer, for the attack is not audited" in said
    stale = Audit((Check("square", "fail", "No."),), "x", "f00d", "Linf", 0.1, kind="classifier")
    stale.write(run / "audit/audit.json")
    flags, notes, _ = evaluated(run)
    assert flags == ("not audited",)
    assert any("other weights" in n for n in notes)


def test_attacks_from_another_run_and_no_time(copied, runs):
    run = copied("rap")
    done = call("audit", run, "--source", runs / "classifier", "--max-minutes", 0)
    assert done.exit_code == 0, words(done)
    found = Audit.read(run / "audit/audit.json")
    assert found.due == tuple(CHECKS)
    assert evaluated(run)[0] == ("audited in part",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--eps", "8"), "did you mean 8/255"),
        (("--norm", "L3"), "choose from Linf, L2"),
        (("--budget", "huge"), "choose from quick, default, full"),
        (("--source", "nowhere"), "not a run folder"),
    ],
)
def test_mistakes_get_the_way_out(runs, arguments, message):
    done = call("audit", runs / "classifier", *arguments)
    assert done.exit_code == 1
    assert message in words(done)
