"""Places that a command is to write in, and runs that it is to read, are looked at first."""

import shutil
import sys
from pathlib import Path

import pytest
from typed import call, interrupted, words

from hardsight.cli.console import typed
from hardsight.runs import open_run
from holding import held_by_another

PROC = pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")


def refused(*arguments):
    done = call(*arguments)
    assert done.exit_code == 1, words(done)
    said = words(done)
    assert said.startswith("error: ")
    assert "Errno" not in said
    return said


@pytest.mark.parametrize(
    "command",
    [
        ("score", "RUN", "IMAGES", "-o", "TAKEN/x.csv"),
        ("score", "RUN", "IMAGES", "--overlays", "TAKEN"),
        ("watch", "RUN", "IMAGES", "-o", "TAKEN/x.csv"),
        ("watch", "RUN", "IMAGES", "--to", "folder:TAKEN"),
        ("watch", "RUN", "IMAGES", "--drift", "TAKEN/state.json"),
        ("evaluate", "RUN", "--output", "TAKEN"),
        ("certify", "RUN", "--output", "TAKEN"),
        ("drift", "RUN", "IMAGES", "-o", "TAKEN"),
        ("export", "RUN", "-o", "TAKEN"),
        ("bundle", "RUN", "-o", "TAKEN/part.hsb"),
        ("leaderboard", "IMAGES", "-o", "TAKEN"),
        ("benchmark", "smoke", "-o", "TAKEN"),
        ("data", "TAKEN", "--write"),
        ("demo", "--folder", "TAKEN"),
        ("fit", "--data", "PARTS", "--run", "TAKEN"),
        ("serve", "RUN", "--pictures", "TAKEN"),
        ("serve", "RUN", "--log", "TAKEN/log.db"),
        ("watch", "RUN", "IMAGES", "--to", "https://HOST/x", "--state", "TAKEN"),
    ],
)
def test_a_file_in_the_place_of_a_folder_is_refused_in_words(run, parts, tmp_path, command):
    taken = tmp_path / "taken"
    taken.write_text("kept")
    names = {"RUN": run, "IMAGES": parts / "test/good", "PARTS": parts}
    given = [str(names.get(a, a)).replace("TAKEN", str(taken)) for a in command]
    assert f"{taken} is a file, not a folder; name another place" in refused(*given)
    assert taken.read_text() == "kept"


def test_a_transferred_attack_without_a_source_is_refused_before_the_budget(run):
    said = refused("evaluate", run, "--suite", "pgd", "--suite", "transfer")
    assert "'transfer' crafts its attack on another model; give one as source (--source)" in said


@PROC
def test_a_place_that_takes_no_file_is_refused_in_words(run, parts):
    for command in (
        ("score", run, parts / "test/good", "-o", "/proc/x.csv"),
        ("evaluate", run, "--output", "/proc/x"),
        ("bundle", run, "-o", "/proc/x.hsb"),
        ("fit", "--data", parts, "--run", "/proc/x"),
    ):
        assert "nothing can be written in /proc (No such file or directory)" in refused(*command)


def test_a_log_that_is_no_database_is_one_line(run, tmp_path):
    log = tmp_path / "log.db"
    log.write_text("no database" * 100)
    assert f"the log at sqlite:///{log} failed" in refused("serve", run, "--port", 0, "--log", log)


def test_a_fit_that_is_refused_leaves_nothing_behind(parts, tiny_preset, tmp_path):
    given = ("fit", tiny_preset, "--data", parts, "--run", tmp_path / "runs/x")
    assert "size must be positive, got 0" in refused(*given, "--size", 0)
    assert "device='gpu' is not known; choose auto, cpu" in refused(*given, "--device", "gpu")
    assert "image_size=1000000" in refused(*given, "--size", 1_000_000)
    assert list(tmp_path.iterdir()) == []


def test_nothing_cannot_be_resumed(tmp_path):
    (tmp_path / "parts").mkdir()
    said = refused("fit", "--resume", "--run", tmp_path / "part")
    near = tmp_path / "parts"
    expected = f"holds nothing to resume; to begin it, leave out --resume; did you mean '{near}'?"
    assert f"{tmp_path / 'part'} {expected}" in said
    assert not (tmp_path / "part").exists()


def test_a_mistyped_run_is_not_begun_by_resuming_it_with_its_data(parts, tiny_preset, tmp_path):
    given = ("fit", tiny_preset, "--data", parts, "--resume", "--run", tmp_path / "typo")
    for more in ((), ("--each",)):
        said = refused(*given, *more)
        assert f"{tmp_path / 'typo'} holds nothing to resume; to begin it, leave out" in said
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_was_killed_before_its_first_checkpoint_is_resumed(run, tmp_path):
    config = (run / "config.yaml").read_text()
    begun = tmp_path / "begun"
    begun.mkdir()
    (begun / "config.yaml").write_text(config.replace("parts", "gone"))
    assert "gone' does not exist" in refused("fit", "--resume", "--run", begun)


@pytest.mark.parametrize(
    "command",
    ["fit", "evaluate", "certify", "calibrate", "drift", "audit", "export", "evaluate --beside"],
)
def test_a_folder_in_which_another_process_writes_is_refused_with_its_number(
    run, parts, tiny_preset, tmp_path, command
):
    given, folder = {
        "fit": (("--data", parts, "--run", tmp_path, tiny_preset), tmp_path),
        "evaluate": ((run, "-o", tmp_path), tmp_path),
        "certify": ((run, "-o", tmp_path), tmp_path),
        "calibrate": ((run,), run),
        "drift": ((run, parts / "test/good", "-o", tmp_path), tmp_path),
        "audit": ((run,), run / "audit"),
        "export": ((run,), run),
        "evaluate --beside": ((run, "--beside", run), run / "evaluation"),
    }[command]
    with held_by_another(folder) as other:
        said = refused(command.split()[0], *given)
        assert f"{folder} is in use: process {other.pid} writes there" in said
    assert [path.name for path in tmp_path.iterdir()] in ([], [".lock"])


def test_an_export_to_a_folder_elsewhere_is_refused_while_another_writes_there(run, tmp_path):
    folder = tmp_path / "elsewhere"
    with held_by_another(folder, beside=True) as other:
        said = refused("export", run, "-o", folder)
        assert f"{folder} is in use: process {other.pid} writes there" in said
    assert not folder.exists()


def test_a_fit_whose_logger_is_not_installed_leaves_nothing(
    parts, tiny_preset, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    loggers = "training.loggers=[tensorboard, mlflow]"
    said = refused("fit", tiny_preset, "--data", parts, "--run", tmp_path / "run", "--set", loggers)
    assert "needs mlflow: pip install 'hardsight[mlflow]'" in said
    assert not (tmp_path / "run").exists()


def test_a_mistyped_run_is_asked_about(run, parts):
    near = run.with_name("partz")
    assert f"did you mean '{run}'?" in refused("score", near, parts / "test/good")
    assert f"did you mean '{run}'?" in refused("evaluate", run, "--purify", near)
    assert f"choose one of the runs in it: {run}" in refused("evaluate", run.parent)


def test_a_run_after_its_images_is_told_so(run, parts):
    for command in ("score", "watch"):
        assert f"{run} is a run, and {parts} is none; the run" in refused(command, parts, run)


def test_commands_that_are_named_can_be_copied(run, parts, tmp_path):
    place = tmp_path / "my runs"
    said = refused("score", place / "a", parts / "test/good")
    assert f"make one with: hardsight fit --run '{place / 'a'}'" in said
    shutil.copytree(run, place / "b")
    done = call("calibrate", place / "b")
    assert f"hardsight evaluate '{place / 'b'}'" in words(done)
    assert f"Next: hardsight evaluate '{place / 'b'}'" in open_run(place / "b").remarks()[-1]
    (place / "b/metrics.json").unlink()
    said = refused("card", place / "b")
    assert f"go on with: hardsight fit --resume --run '{place / 'b'}'" in said


def test_rates_are_refused_in_the_same_words(run, parts, tmp_path):
    expected = "a false-alarm rate must be between 0 and 1, got 5; use 0.01 for 1 %"
    assert expected in refused("calibrate", run, "--false-alarms", 5)
    given = ("--data", parts, "--run", tmp_path / "r")
    assert expected in refused("fit", *given, "--false-alarms", 5)


def test_a_mistyped_preset_file_is_asked_about(tmp_path):
    (tmp_path / "mine.yaml").touch()
    assert "did you mean" in refused("presets", tmp_path / "mime.yaml")


def test_the_command_is_said_again_as_it_was_typed(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/x/hardsight", "fit", "--data", "my parts", "--each"])
    assert typed("--resume") == "hardsight fit --data 'my parts' --each --resume"
    monkeypatch.setattr("sys.argv", ["-m", "evaluate", "runs/x", "--resume"])
    assert typed("--resume") == "hardsight evaluate runs/x --resume"


@pytest.mark.parametrize("kept", [True, False])
def test_after_ctrl_c_score_says_what_is_left(run, parts, tmp_path, kept):
    many = tmp_path / "many"
    for copy in range(40):
        shutil.copytree(parts / "test/good", many / str(copy))
    output = tmp_path / "s.csv"
    option = ("-o", output) if kept else ("--overlays", tmp_path / "heat")
    begun = output.exists if kept else (tmp_path / "heat").exists
    stopped = interrupted(begun, "score", run, many, "--batch-size", 1, *option)
    assert stopped.exit_code == 130, words(stopped)
    if kept:
        assert f"{output} holds the" in words(stopped)
        assert "begun again, it is made anew" in words(stopped)
    else:
        assert "interrupted; the rows above are all there is" in words(stopped)


@pytest.mark.parametrize("form", ["onnx", "openvino"])
def test_an_export_whose_packages_are_missing_is_refused_before_anything_is_loaded(
    run, monkeypatch, tmp_path, form
):
    loaded = []
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setattr("hardsight.runs.detector.DetectorRun.opened", lambda *_: loaded.append(1))
    said = refused("export", run, "-o", tmp_path / "made", "--to", form)
    assert "needs onnx: pip install 'hardsight[onnx]'" in said
    assert not loaded
