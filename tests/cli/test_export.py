"""``hardsight export``, and what takes an export in a run's place."""

import csv
import json
import shutil
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import load_file
from typed import call, words

from hardsight.export import Exported
from hardsight.runs import open_run


@pytest.fixture(scope="module")
def exported(run):
    if missing := [m for m in ("onnx", "onnxscript", "onnxruntime") if find_spec(m) is None]:
        pytest.skip(f"needs {', '.join(missing)}: the extra onnx")
    done = call("export", run, "--to", "onnx")
    assert done.exit_code == 0, words(done)
    assert "false alarm" in words(done)
    assert "AUROC" in words(done)
    return run / "exported"


def rows(path):
    return list(csv.DictReader(path.open()))


def test_an_export_is_scored_like_a_run(run, exported, parts, tmp_path):
    assert isinstance(open_run(exported).detector(), Exported)
    for folder, name in ((run, "torch.csv"), (exported, "onnx.csv")):
        done = call("score", folder, parts / "test", "-o", tmp_path / name)
        assert done.exit_code == 0, words(done)
    before, after = rows(tmp_path / "torch.csv"), rows(tmp_path / "onnx.csv")
    assert [r["path"] for r in before] == [r["path"] for r in after]
    for a, b in zip(before, after, strict=True):
        assert float(a["score"]) == pytest.approx(float(b["score"]), rel=1e-4)


def test_an_export_has_what_drift_is_seen_by(run, exported):
    kept = exported / "statistics.json"
    assert kept.read_bytes() == (run / "statistics.json").read_bytes()


def test_an_export_without_a_threshold_says_how_it_is_made_anew(exported, parts, tmp_path):
    bare = shutil.copytree(exported, tmp_path / "bare one")
    (bare / "calibration.json").unlink()
    done = call("score", bare, parts / "test")
    assert done.exit_code == 1
    assert f"make it anew: hardsight export RUN -o '{bare}'" in words(done)


def test_an_export_is_watched(exported, parts, tmp_path):
    arguments = ("--idle", 0, "-o", tmp_path / "s.csv")
    done = call("watch", exported, parts / "test/good", *arguments)
    assert done.exit_code == 0, words(done)
    assert len(rows(tmp_path / "s.csv")) == 4


def test_an_export_is_attacked_by_queries_alone(exported):
    common = ("--limit", 4, "--gallery", 0, "--fresh-draws", 1)
    done = call("evaluate", exported, "--suite", "square", *common)
    assert done.exit_code == 0, words(done)
    assert "curve of" not in words(done)
    report = json.loads((exported / "evaluation/report.json").read_text())
    assert any("square" in row["attack"] for row in report["rows"])
    refused = call("evaluate", exported, "--suite", "pgd", *common)
    assert refused.exit_code == 1
    assert "no gradient" in words(refused)
    assert "clean images" not in words(refused)  # of the budget, which is told of work that begins
    refused = call("evaluate", exported, "--suite", "square", "--curve", "1/255", *common)
    assert refused.exit_code == 1
    assert "curve='1/255' is drawn by gradients" in words(refused)


def test_an_export_is_certified(exported):
    done = call("certify", exported, "--n", 20, "--alpha", 0.1, "--limit", 4, "--radii", "0,0.05",
                "--pixels", 0)  # fmt: skip
    assert done.exit_code == 0, words(done)
    assert (exported / "certificate/certificate.json").is_file()


@pytest.mark.slow
def test_two_workers_find_of_an_export_what_one_does(exported, parts, tmp_path):
    score = ("score", exported, parts / "test", "--batch-size", 3, "-o")
    attack = ("evaluate", exported, "--suite", "square", "--limit", 4, "--curve", "",
              "--gallery", 0, "--fresh-draws", 2, "--batch-size", 2, "-o")  # fmt: skip
    for workers in (1, 2):
        place = tmp_path / str(workers)
        for command, output in ((score, f"{place}.csv"), (attack, place)):
            done = call(*command, output, "--workers", workers)
            assert done.exit_code == 0, words(done)
    assert rows(tmp_path / "1.csv") == rows(tmp_path / "2.csv")
    one, two = (attacked(tmp_path / name / "state") for name in "12")
    assert len(one) > 2
    assert one.keys() == two.keys()
    for name, batch in one.items():
        assert all(torch.equal(batch[key], two[name][key]) for key in batch if key != "seconds")


def attacked(folder):
    """Return the batches of attacks that an evaluation kept."""
    found = folder.rglob("*.safetensors")
    return {path.relative_to(folder): load_file(path) for path in found}


def test_options_that_do_not_go_together(run):
    done = call("export", run, "--to", "onnx", "--int8")
    assert done.exit_code == 1
    assert "int8" in words(done)


def test_an_export_is_no_run_to_go_on_with(run, exported):
    before = {p.name: p.read_bytes() for p in exported.iterdir() if p.is_file()}
    for command in (("calibrate", exported), ("card", exported)):
        done = call(*command)
        assert done.exit_code == 1
        assert "is an export, and this takes the run that it was made of" in words(done)
    done = call("fit", "--resume", "--run", exported)
    assert done.exit_code == 1
    assert "holds an export" in words(done)
    assert {p.name: p.read_bytes() for p in exported.iterdir() if p.is_file()} == before
