"""``hardsight audit``, and what ``hardsight evaluate`` makes of it."""

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file
from typed import call, words

from hardsight.audit import CHECKS, Audit, Check
from hardsight.evaluation.provenance import fingerprint
from hardsight.runs import open_run


@pytest.fixture(scope="module")
def fitted(parts, tiny_preset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audited") / "parts"
    done = call("fit", tiny_preset, "--data", parts, "--run", folder, "--no-select")
    assert done.exit_code == 0, words(done)
    return folder


@pytest.fixture
def run(fitted, tmp_path):
    return shutil.copytree(fitted, tmp_path / "run")


def evaluated(run):
    done = call("evaluate", run, "--attack", "pgd", "--steps", 1, "--curve", "", "--gallery", 2)
    assert done.exit_code == 0, words(done)
    report = json.loads((run / "evaluation/report.json").read_text())
    return report, words(done)


def flags(report) -> set[tuple[str, ...]]:
    """Those of attacked rows; clean ones have none."""
    assert not any(r["flags"] for r in report["rows"] if r["norm"] is None)
    return {tuple(r["flags"]) for r in report["rows"] if r["norm"] is not None}


def test_it_checks_and_writes(run):
    done = call("audit", run, "--quick", "--images", 4, "--eps", "8/255", "--batch-size", 4)
    found = Audit.read(run / "audit/audit.json")
    assert done.exit_code == (0 if found.passed else 2), words(done)
    assert found.headline.split(":")[0] in words(done)
    assert [c.name for c in found.checks] == list(CHECKS)
    assert found.provenance["images"] == "2 normal and 2 anomalous"
    assert found.weights == fingerprint(open_run(run).detector("cpu"))
    assert "<svg" in (run / "audit/audit.html").read_text()
    assert "| gradient | pass |" in (run / "audit/audit.md").read_text()
    report, _ = evaluated(run)
    assert flags(report) == {found.stamp}
    assert any(n.startswith("Audit at L-inf 8/255: ") for n in report["notes"])


def test_what_is_left_when_time_is_out_is_skipped(run):
    done = call("audit", run, "--max-minutes", 0)
    assert done.exit_code == 0, words(done)
    found = Audit.read(run / "audit/audit.json")
    assert {c.verdict for c in found.checks} == {"skipped"}
    report, _ = evaluated(run)
    assert flags(report) == {found.stamp} == {("audited in part",)}


def test_a_failed_audit_is_exit_code_2(run):
    """A spread of normal errors beyond all bounds makes every score zero."""
    weights = load_file(run / "model.safetensors")
    weights["map_spread"].fill_(3e38)
    save_file(weights, run / "model.safetensors")
    done = call("audit", run, "--quick", "--images", 4)
    assert done.exit_code == 2, words(done)
    found = Audit.read(run / "audit/audit.json")
    assert found["saturation"].verdict == "fail"


def test_without_an_audit_figures_say_so(run):
    report, _ = evaluated(run)
    assert flags(report) == {("not audited",)}
    assert any("hardsight audit" in n for n in report["notes"])


def test_a_failed_check_is_on_every_row_picture_and_table(run):
    checks = (
        Check("square", "fail", "A random search does more harm."),
        Check("step", "fail", "The attack wanders."),
        Check("mode", "pass", "Fine."),
    )
    weights = fingerprint(open_run(run).detector("cpu"))
    stamped = Audit(checks, "AdvRAD on parts", weights, "Linf", 2 / 255)
    stamped.write(run / "audit/audit.json")
    report, said = evaluated(run)
    assert flags(report) == {stamped.stamp}
    assert stamped.stamp[0] == "unreliable: square: A random search does more harm."
    assert "unreliable:" in said
    page = (run / "evaluation/report.html").read_text()
    assert "unreliable: square, step</span>" in page
    assert page.count("<figcaption>attacked, unreliable</figcaption>") == 2
    assert "the check square: A random search does more harm." in page
    markdown = (run / "evaluation/report.md").read_text()
    assert "| pgd | unreliable: square, step |" in markdown
    assert "check square: A random search does more harm." in markdown


def test_a_stale_audit_counts_for_nothing(run):
    stale = Audit((Check("square", "fail", "No."),), "AdvRAD on parts", "f00d", "Linf", 2 / 255)
    stale.write(run / "audit/audit.json")
    report, _ = evaluated(run)
    assert flags(report) == {("not audited",)}
    assert any("other weights" in n for n in report["notes"])


def test_a_damaged_audit_is_an_error_that_says_the_way_out(run):
    (run / "audit").mkdir()
    (run / "audit/audit.json").write_text("{}")
    done = call("evaluate", run, "--attack", "pgd", "--steps", 1, "--curve", "")
    assert done.exit_code == 1
    assert "hardsight audit RUN" in words(done)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--eps", "8"), "did you mean 8/255"),
        (("--budget", "huge"), "choose from quick, default, full"),
        (("--source", "nowhere"), "not a run folder"),
    ],
)
def test_mistakes_get_the_way_out(run, arguments, message):
    done = call("audit", run, *arguments)
    assert done.exit_code == 1
    assert message in words(done)
