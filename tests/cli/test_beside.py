"""``--beside``: a second run's detector beside the first's."""

import csv
import json
import shutil

import pytest
from typed import call, interrupted, words

from hardsight.attacks import build_suite
from hardsight.attacks.threats import Light
from hardsight.cli.beside import DECIDED, HEADS, print_inspected
from hardsight.cli.console import console
from hardsight.core.words import counted
from hardsight.evaluation import Inspected
from tiny_parts import write_parts


@pytest.fixture(scope="module")
def other(parts, tiny_preset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "other"
    given = ("--data", parts, "--run", folder, "--steps", 2, "--no-select")
    done = call("fit", tiny_preset, *given)
    assert done.exit_code == 0, words(done)
    return folder


def test_score_says_good_suspicious_or_defect(run, other, parts, tmp_path):
    table = tmp_path / "decided.csv"
    done = call("score", run, parts / "test/good", "--beside", other, "-o", table)
    assert done.exit_code == 0, words(done)
    rows = list(csv.DictReader(table.open()))
    decided = [row["decision"] for row in rows]
    defects, unsure = decided.count("defect"), decided.count("suspicious")
    assert f"images, {counted(defects, 'defect')}, {unsure} suspicious: {table}" in done.stdout
    assert len(rows) == len(list((parts / "test/good").iterdir()))
    for row in rows:
        assert row["decision"] in ("good", "suspicious", "defect")
        assert list(row) == list(DECIDED)  # what is suspicious is not called anomalous beside
        assert 0 < float(row["p_robust"]) <= 1
        assert 0 < float(row["p_suspicion"]) <= 1
        assert 0 < float(row["p_value"]) <= 1
        assert (float(row["score"]) > 0) == (row["decision"] != "good")


def test_evaluate_attacks_either_and_both(run, other):
    given = ("--beside", other, "--suite", "pgd", "--steps", 2, "--limit", 4, "--eps", "8/255")
    done = call("evaluate", run, *given)
    assert done.exit_code == 0, words(done)
    assert "stopped" in words(done)
    assert "Budget" in done.stderr
    for part in ("clean images", "attack on robust", "attack on clean", "attack on both", "all"):
        assert part in done.stderr
        assert part not in done.stdout.replace("All figures", "")
    path = run / "evaluation/beside.json"
    assert f"All figures: {path}" in done.stdout
    found = json.loads(path.read_text())
    assert len(found["rows"]) == 12
    assert found["eps"] == 8 / 255


def test_after_ctrl_c_it_goes_on_where_it_was(run, other, tmp_path):
    mine = shutil.copytree(run, tmp_path / "mine", ignore=shutil.ignore_patterns("evaluation"))
    given = ("evaluate", mine, "--beside", other, "--steps", 9999)
    looked = mine / "evaluation/state"
    stopped = interrupted(lambda: any(looked.glob("clean-*/*.safetensors")), *given)
    assert stopped.exit_code == 130, words(stopped)
    assert "interrupted; what is finished is kept" in words(stopped)
    assert not (mine / "evaluation/beside.json").exists()


def test_the_table_of_an_evaluation_is_whole_in_a_narrow_terminal(monkeypatch):
    monkeypatch.setattr(console, "_width", 80)
    names = ("nothing", "robust", "clean", "both")
    rows = [Inspected(a, b, 480, 480, 480, 480, 480, 480, 0.5) for a in names for b in names[1:]]
    with console.capture() as shown:
        print_inspected(rows, build_suite("pgd"))
    lines = shown.get().splitlines()
    assert "…" not in shown.get()
    assert max(map(len, lines)) <= 80
    assert len([line for line in lines if line.count("480 of 480") == 4]) == len(rows)
    heads = " ".join(" ".join(line.strip("┃").split("┃")) for line in lines[2:5]).split()
    assert sorted(heads) == sorted(" ".join(HEADS.values()).split())


def test_a_threat_has_its_usual_severity(run, other):
    given = ("--beside", other, "--threat", "light", "--steps", 1, "--limit", 4)
    done = call("evaluate", run, *given)
    assert done.exit_code == 0, words(done)
    assert json.loads((run / "evaluation/beside.json").read_text())["eps"] == Light.default


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--data", "x", "--output", "y"), "--data and --output: not with --beside"),
        (("--corruptions",), "--corruptions: not with --beside"),
        (("--suite", "pgd", "--suite", "bim"), "--beside takes one --suite, got pgd, bim"),
    ],
)
def test_what_an_evaluation_of_two_would_ignore_is_refused(run, other, given, said):
    done = call("evaluate", run, "--beside", other, *given)
    assert done.exit_code == 1
    assert said in words(done)


def test_fresh_noise_is_for_one_detector_alone(run, other, parts):
    done = call("score", run, parts / "test/good", "--beside", other, "--seed", 3)
    assert done.exit_code == 1
    assert "--seed is for one detector" in words(done)


def test_watch_decides_as_score_does_and_draws_heat_maps(run, other, parts, tmp_path):
    given, good = ("--beside", other), parts / "test/good"
    scored, watched = tmp_path / "scored.csv", tmp_path / "watched.csv"
    assert call("score", run, good, *given, "-o", scored).exit_code == 0
    follow = ("--idle", 0.2, "--overlays", tmp_path / "heat", "--drift", tmp_path / "drift.json")
    done = call("watch", run, good, *given, "-o", watched, *follow)
    assert done.exit_code == 0, words(done)
    rows, expected = (list(csv.DictReader(path.open())) for path in (watched, scored))
    assert [row["decision"] for row in rows] == [row["decision"] for row in expected]
    scores = [float(row["score"]) for row in rows]
    assert scores == pytest.approx([float(row["score"]) for row in expected], rel=1e-3)
    assert len(list((tmp_path / "heat").iterdir())) == len(list(good.iterdir()))
    assert json.loads((tmp_path / "drift.json").read_text())["parts"] == len(list(good.iterdir()))


def test_a_run_that_learnt_what_the_first_held_out_is_refused(run, parts, tiny_preset, tmp_path):
    given = ("--data", parts, "--run", tmp_path / "x", "--steps", 2, "--no-select", "--seed", 5)
    assert call("fit", tiny_preset, *given).exit_code == 0
    done = call("score", run, parts / "test/good", "--beside", tmp_path / "x")
    assert done.exit_code == 1
    assert "was trained on" in words(done)
    assert "--seed 0" in words(done)


def test_a_run_beside_itself_is_refused(run, parts):
    for command in (("score", run, parts / "test/good"), ("evaluate", run)):
        done = call(*command, "--beside", run)
        assert done.exit_code == 1
        assert "sees nothing else beside itself; name another run" in words(done)


def test_a_run_of_other_parts_is_warned_of(run, other, parts, tiny_preset, tmp_path, caplog):
    others = write_parts(tmp_path / "parts", seed=9)
    given = ("--data", others, "--run", tmp_path / "x", "--steps", 2, "--no-select")
    assert call("fit", tiny_preset, *given).exit_code == 0
    for beside, warned in ((tmp_path / "x", True), (other, False)):
        caplog.clear()
        done = call("score", run, parts / "test/good", "--beside", beside)
        assert done.exit_code == 0, words(done)
        assert ("trained on none of the images" in caplog.text) == warned
