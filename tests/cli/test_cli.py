"""The commands as a person types them, in their own process where that matters."""

import csv
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typed import call, interrupted, words

from hardsight.core.run_folders import CONFIG
from hardsight.data import load
from hardsight.metrics import pixel_auroc
from hardsight.runs import open_run
from hardsight.synthesis.foreground import foreground


def test_fit_leaves_a_whole_run_folder(run):
    for name in (
        "config.yaml", "model.safetensors", "config.json", "calibration.json", "manifest.json",
        "selection.json", "metrics.json", "training/train.jsonl",
    ):  # fmt: skip
        assert (run / name).is_file(), name
    assert not [p for p in run.rglob("*") if p.suffix in (".pt", ".pth", ".ckpt", ".pkl")]
    assert json.loads((run / "metrics.json").read_text())["fit_seconds"] > 0


def test_score_writes_a_line_an_image_and_overlays(run, parts, tmp_path):
    done = call(
        "score", run, parts / "test", "-o", tmp_path / "s.csv", "--overlays", tmp_path / "heat"
    )
    assert done.exit_code == 0, words(done)
    rows = list(csv.DictReader((tmp_path / "s.csv").open()))
    assert len(rows) == 8
    assert all(0 < float(r["p_value"]) <= 1 for r in rows)
    assert {r["anomalous"] for r in rows} <= {"True", "False"}
    assert len(list((tmp_path / "heat").glob("*.jpg"))) == 8
    lines = call("score", run, parts / "test", "-o", tmp_path / "s.jsonl")
    assert lines.exit_code == 0
    found = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert [r["score"] for r in found] == [float(r["score"]) for r in rows]


def test_scores_on_stdout_are_a_table_and_nothing_else(run, parts):
    done = call("score", run, parts / "test/good/000.png")
    assert done.stdout.splitlines()[0] == "path,score,p_value,anomalous,error"
    assert len(done.stdout.splitlines()) == 2


def test_fail_on_anomaly_is_exit_code_2(run, parts, tmp_path):
    """A threshold below every score makes every image anomalous."""
    low = shutil.copytree(run, tmp_path / "low")
    values = json.loads((low / "calibration.json").read_text())
    (low / "calibration.json").write_text(json.dumps(values | {"threshold": -1.0}))
    arguments = ("score", low, parts / "test", "-o", tmp_path / "s.csv")
    assert call(*arguments).exit_code == 0
    assert call(*arguments, "--fail-on-anomaly").exit_code == 2


@pytest.mark.parametrize("command", ["score", "watch"])
@pytest.mark.parametrize("flags", [(), ("--fail-on-anomaly",)])
def test_without_a_threshold_nothing_is_decided(run, parts, tmp_path, command, flags):
    bare = shutil.copytree(run, tmp_path / "bare")
    (bare / "calibration.json").unlink()
    done = call(command, bare, parts / "test", *flags)
    assert done.exit_code == 1
    assert "no calibration.json" in words(done)
    assert "hardsight fit --resume" in words(done)


def test_a_loss_that_is_no_number_is_one_sentence(parts, tiny_preset, tmp_path):
    given = ("--data", parts, "--run", tmp_path / "r", "--set", "training.lr=1e30")
    done = call("fit", tiny_preset, *given)
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)  # no traceback
    assert words(done).startswith("error: ")
    assert "loss" in words(done)


def test_unreadable_images_are_named_and_all_others_scored(run, parts, tmp_path):
    folder = shutil.copytree(parts / "test/good", tmp_path / "mixed")
    for name in ("0-broken.png", "9-broken.png"):
        (folder / name).write_bytes(b"\x89PNG\r\n")
    heat, output = tmp_path / "heat", tmp_path / "s.csv"
    done = call("score", run, folder, "--overlays", heat, "-o", output, "--batch-size", 2)
    assert done.exit_code == 1
    assert "2 of 6 files could not be read:" in words(done)
    assert all(f"{folder / n}" in words(done) for n in ("0-broken.png", "9-broken.png"))
    rows = list(csv.DictReader(output.open()))
    assert [bool(r["error"]) for r in rows] == ["broken" in r["path"] for r in rows]
    assert [bool(r["score"]) for r in rows] == ["broken" not in r["path"] for r in rows]
    assert len(rows) == 2 + len([*heat.iterdir()]) == 6
    assert call("score", run, folder, "--skip-unreadable").exit_code == 0


def test_evaluate_writes_the_three_reports(run):
    done = call(
        "evaluate", run, "--steps", 2, "--curve", "2/255", "--gallery", 2, "--fresh-draws", 3
    )
    assert done.exit_code == 0, words(done)
    report = json.loads((run / "evaluation/report.json").read_text())
    assert {r["attack"] for r in report["rows"]} == {"clean", "pgd", "eot-pgd"}
    assert report["provenance"]["preset"] == "advrad" or "tiny" in report["provenance"]["preset"]
    assert (run / "evaluation/report.html").stat().st_size > 10_000
    assert "eot-pgd" in (run / "evaluation/report.md").read_text()
    assert "report.html" in words(done).replace(" ", "")


def test_evaluate_takes_other_threats_than_balls(run, tmp_path):
    few = ("--steps", 2, "--gallery", 2, "--fresh-draws", 2, "--suite", "pgd", "--limit", 4)
    done = call("evaluate", run, "--threat", "light", *few, "-o", tmp_path)
    assert done.exit_code == 0, words(done)
    report = json.loads((tmp_path / "report.json").read_text())
    attacked = [r for r in report["rows"] if r["attack"] == "pgd"]
    assert {(r["norm"], r["eps"]) for r in attacked} == {("light", 0.2)}
    (line,) = report["curves"][0]["lines"].values()
    assert [eps for eps, _ in line] == [0, 0.05, 0.1, 0.2]
    assert "light 0.2" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--eps", "8"), "did you mean 8/255"),
        (("--eps", "eight"), "write 8/255 or 0.0314"),
        (("--suite", "pdg"), "choose from fgsm, bim, pgd, eot-pgd"),
        (("--suite", "pdg"), "did you mean 'pgd'?"),
        (("--budget", "quick"), "choose from fast, full"),
        (("--norm", "L3"), "choose from Linf, L2"),
        (("--data", "nowhere"), "nowhere"),
        (("--suite", "none", "--eps", "3/255"), "--eps: not with --suite none"),
        (("--suite", "none", "--norm", "L2"), "--norm: not with --suite none"),
        (("--purify", "photographs", "--t-star", ""), "--t-star='' must be whole numbers, as 100"),
        (("--suite", "none", "--steps", 3, "--draws", 2), "--steps and --draws: not with --suite"),
    ],
)
def test_evaluate_explains_what_is_wrong(run, arguments, message):
    done = call("evaluate", run, *arguments)
    assert done.exit_code == 1
    assert message in words(done)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit", "advrod", "--data", "x"), "did you mean 'advrad'"),
        (("fit", "--data", "no/such/folder"), "no/such/folder"),
        (("fit", "patchcore"), "no images to fit: name a data set with --data"),
        (("fit", "--data", "x", "--set", "training.stepz=3"), "did you mean 'steps'"),
        (("fit", "--data", "x", "--set", "steps"), "key=value"),
        (("fit", "--data", "x", "--set", "data.path=y"), "data.path is 'x' by another option"),
        (
            ("fit", "--data", "x", "--set", "training.lr=1e-3", "--set", "training.lr=2e-3"),
            "--set 'training.lr=2e-3': training.lr is '1e-3' by another option; leave one out",
        ),
        (("fit", "--data", "x", "--set", "start=[a"), "'[a' is no value of YAML"),
        (("certify", "x", "--sigmas", "1"), "--sigmas: only with --choose-sigma"),
        (("certify", "x", "--choose-sigma", "--sigma", "1"), "--sigma: not with --choose-sigma"),
        (("certify", "x", "--choose-sigma", "--sigmas", ","), "sigmas=',' must be numbers with"),
        (("certify", "x", "--radii", ""), "radii='' must be numbers with commas between"),
        (("certify", "x", "--steps", "3", "--draws", "2"), "--steps and --draws: only with --att"),
        (("audit", "x", "--quick", "--budget", "full"), "--budget: not with --quick"),
        (("calibrate", "x", "--suite", "pgd"), "--suite: only with --under"),
        (("watch", "x", "y", "--once-in", "9"), "--once-in: only with --drift"),
        (("watch", "x", "y", "--state", "z"), "--state: only with --to"),
        (("serve", "x", "--state", "z"), "--state: only with --to"),
        (("serve", "x", "--token-days", "9"), "--token-days: only with --token-file"),
        (("drift", "x", "y.csv", "--bits", "9", "--device", "cpu"), "--bits and --device: not"),
        (("benchmark", "smoke", "--run", "x"), "--run: only with --verify"),
        (("benchmark", "smoke", "--device", "cpu,gpu"), "device='gpu' is not known"),
        (("fit", "--data", "x", "--each", "--device", "cpu,gpu"), "device='gpu' is not known"),
        (("benchmark", "smoke", "--verify", "x"), "PLAN: not with --verify"),
        (("data", "x", "--write", "--bits", "9"), "--bits: not with --write"),
        (("data", f"x/{CONFIG}", "--write"), f"DATA x/{CONFIG}: x/{CONFIG} is a file"),
        (("data", "x", "--verify", "--size", "9"), "--size: not with --verify"),
        (("data", "x", "--seed", "9"), "--seed: only with --write"),
        (("score", "nowhere", "x.png"), "not a run folder"),
        (("score", "x", "x.png", "-o", "y.txt"), "output='y.txt' must end in .csv or .jsonl"),
        (("presets", "advrod"), "did you mean 'advrad'"),
    ],
)
def test_mistakes_get_the_way_out(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x").mkdir()
    Path("x", CONFIG).touch()  # a run as far as is seen before options are
    done = call(*arguments)
    assert done.exit_code == 1
    assert message in words(done)


@pytest.mark.parametrize("command", ["audit", "certify", "evaluate"])
def test_a_time_below_nothing_is_refused_before_images_are_read(run, command):
    done = call(command, run, "--max-minutes", -1, "--data", "nowhere")
    assert done.exit_code == 2
    assert "--max-minutes" in words(done)
    assert "greater than or equal to 0" in words(done)


def test_a_finished_run_is_not_overwritten(run, parts, tiny_preset):
    done = call("fit", tiny_preset, "--data", parts, "--run", run)
    assert done.exit_code == 1
    assert "--resume" in words(done)


def test_changed_data_is_refused_unless_told(parts, tiny_preset, tmp_path):
    data = shutil.copytree(parts, tmp_path / "data")
    folder = tmp_path / "run"
    assert call("fit", tiny_preset, "--data", data, "--run", folder).exit_code == 0
    shutil.copy(data / "train/good/000.png", data / "test/good/999.png")
    refused = call("evaluate", folder, "--attack", "pgd", "--steps", 1, "--curve", "")
    assert refused.exit_code == 1
    assert "999.png" in words(refused)
    told = call(
        "evaluate", folder, "--attack", "pgd", "--steps", 1, "--curve", "", "--allow-data-change"
    )
    assert told.exit_code == 0, words(told)


def test_data_counts_and_lists_what_it_cannot_read(parts, tmp_path):
    fine = call("data", parts, "--size", 16)
    assert fine.exit_code == 0, words(fine)
    assert "brightness" in words(fine)
    found = load(parts, size=16).test
    value = pixel_auroc(foreground(found.images()).numpy(), found.masks().numpy())
    assert f"marking the whole object, no defect known: {value:.3f}" in words(fine)
    data = shutil.copytree(parts, tmp_path / "data")
    (data / "train/good/000.png").write_bytes(b"")
    broken = call("data", data, "--size", 16)
    assert broken.exit_code == 1
    assert "000.png" in words(broken).replace(" ", "")


def test_data_warns_of_a_test_set_that_was_taken_in_another_light(parts, tmp_path):
    data = shutil.copytree(parts, tmp_path / "data")
    for path in sorted(data.glob("test/good/*.png")):
        Image.open(path).point(lambda value: value // 2).save(path)
    told = words(call("data", data, "--size", 16))
    assert "Beware: good parts of the test set are told from those of training" in told
    assert "Beware" not in words(call("data", parts, "--size", 16))
    only = shutil.copytree(data / "train" / "good", tmp_path / "only" / "good")
    assert "brightness" not in words(call("data", only.parent, "--size", 16))


def test_lists_and_help():
    assert "advrad" in words(call("methods"))
    assert "freerad-paper" in words(call("presets"))
    shown = call("presets", "freerad-paper")
    assert "metal_nut: 300" in shown.stdout
    for command in ("demo", "fit", "score", "evaluate", "data", "methods", "presets"):
        assert call(command, "--help").exit_code == 0


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_killed_and_resumed_it_ends_with_the_same_weights(run, parts, tiny_preset, tmp_path):
    folder = tmp_path / "killed"
    given = ["--set", "training.checkpoint_every=1", "--run", str(folder), "--data", str(parts)]
    command = [sys.executable, "-m", "hardsight", "fit", str(tiny_preset), *given]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    until = time.monotonic() + 90
    while not list(folder.glob("training/**/*.safetensors")):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    process.communicate(timeout=90)
    resumed = call("fit", "--resume", "--run", folder)
    assert resumed.exit_code == 0, words(resumed)
    assert weights(folder) == weights(run)


def test_after_ctrl_c_it_goes_on_to_the_same_weights(run, parts, tiny_preset, tmp_path):
    folder = tmp_path / "stopped"
    given = ("--set", "training.checkpoint_every=1", "--run", folder, "--data", parts)
    begun = lambda: list(folder.glob("training/**/*.safetensors"))  # noqa: E731
    stopped = interrupted(begun, "fit", tiny_preset, *given)
    assert stopped.exit_code == 130, words(stopped)
    assert f"hardsight fit --resume --run {folder}" in words(stopped)
    assert not (folder / "model.safetensors").exists()
    resumed = call("fit", "--resume", "--run", folder)
    assert resumed.exit_code == 0, words(resumed)
    assert weights(folder) == weights(run)


def test_dark_images_of_sixteen_bits_are_told_of_when_scored(run, tmp_path, caplog):
    """The run was calibrated on images of 8 bits; their 12 in 16 would be nearly black to it."""
    dark = tmp_path / "new" / "a.png"
    dark.parent.mkdir()
    pixels = np.random.default_rng(0).integers(0, 4096, (16, 16), dtype=np.uint16)
    for path in (dark, dark.with_name("b.png")):
        Image.fromarray(pixels | 2048).save(path)
    for command in (("score", run, dark.parent), ("watch", run, dark.parent, "--idle", 0)):
        caplog.clear()
        assert call(*command, "-o", tmp_path / "s.csv").exit_code == 0
        (said,) = caplog.messages
        assert said.startswith((f"{dark} has 16 bits", f"{dark.with_name('b.png')} has 16 bits"))
        assert "--bits 12" in said
        caplog.clear()
        assert call(*command, "-o", tmp_path / "t.csv", "--bits", 12).exit_code == 0
        assert not caplog.messages
    detector = open_run(run).detector("cpu")
    score = detector.predict(dark, bits=12).pred_score.item()
    assert not caplog.messages
    assert detector.predict([dark, dark]).pred_score[0] != pytest.approx(score)
    assert len(caplog.messages) == 1
    with (tmp_path / "t.csv").open() as lines:
        assert float(next(csv.DictReader(lines))["score"]) == pytest.approx(score, rel=1e-4)
