"""``hardsight fit --resume``: the same run goes on, and no other."""

import json
import shutil

import pytest
import yaml
from typed import call, words

from tiny_parts import write_parts


@pytest.fixture
def unfinished(run, parts, tmp_path):
    """A finished run that lost its last file, with a data set of its own."""
    data = shutil.copytree(parts, tmp_path / "photos")
    folder = shutil.copytree(run, tmp_path / "run")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["data"]["path"] = str(data)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "metrics.json").unlink()
    return folder


def state(folder):
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("options", "differences"),
    [
        (("--steps", 30), ["training.steps is 6 there, not 30"]),
        (("--size", 32, "--seed", 1), ["detector.image_size is 16 there, not 32", "seed is 0"]),
        (("--no-select",), ["selection.ks is"]),
        (("--set", "training.batch_size=8"), ["training.batch_size is 4 there, not 8"]),
    ],
)
def test_other_settings_are_refused_with_both_values(unfinished, options, differences):
    before = state(unfinished)
    done = call("fit", "--resume", "--run", unfinished, *options)
    assert done.exit_code == 1
    for said in differences:
        assert said in words(done)
    assert f"hardsight fit --resume --run {unfinished}" in words(done)
    assert state(unfinished) == before


def test_more_steps_are_offered_as_a_run_that_starts_there(unfinished):
    more = words(call("fit", "--resume", "--run", unfinished, "--steps", 30))
    assert f"--start {unfinished} --steps 24" in more
    assert "--start" not in words(call("fit", "--resume", "--run", unfinished, "--steps", 3))


def test_another_preset_and_other_data_are_refused(unfinished, tmp_path):
    done = call("fit", "patchguard", "--resume", "--run", unfinished)
    assert done.exit_code == 1
    assert "method is 'advrad' there, not 'patchguard'" in words(done)
    other = write_parts(tmp_path / "other", seed=1)
    done = call("fit", "--resume", "--run", unfinished, "--data", other)
    assert done.exit_code == 1
    assert f"data.path is '{tmp_path / 'photos'}' there, not '{other}'" in words(done)


def test_the_preset_and_data_it_began_with_are_no_difference(unfinished, tiny_preset, tmp_path):
    done = call("fit", tiny_preset, "--resume", "--run", unfinished, "--data", tmp_path / "photos")
    assert done.exit_code == 0, words(done)
    assert (unfinished / "metrics.json").is_file()
    again = call("fit", tiny_preset, "--resume", "--run", unfinished)  # on the run's own data
    assert again.exit_code == 0, words(again)


def test_moved_data_are_the_same_data_and_others_are_not(unfinished, tmp_path):
    moved = shutil.move(tmp_path / "photos", tmp_path / "elsewhere")
    lost = call("fit", "--resume", "--run", unfinished)
    assert lost.exit_code == 1
    next((moved / "test/good").iterdir()).write_bytes(b"x")
    changed = call("fit", "--resume", "--run", unfinished, "--data", moved)
    assert changed.exit_code == 1
    assert "has another content" in words(changed)
    shutil.rmtree(moved)
    write_parts(moved)
    done = call("fit", "--resume", "--run", unfinished, "--data", moved)
    assert done.exit_code == 0, words(done)
    assert yaml.safe_load((unfinished / "config.yaml").read_text())["data"]["path"] == str(moved)


def test_a_lost_threshold_is_made_anew(run, parts, tmp_path):
    folder = shutil.copytree(run, tmp_path / "run")
    values = json.loads((folder / "calibration.json").read_text())
    (folder / "calibration.json").unlink()
    assert call("score", folder, parts / "test").exit_code == 1
    done = call("fit", "--resume", "--run", folder)
    assert done.exit_code == 0, words(done)
    assert json.loads((folder / "calibration.json").read_text()) == values


def test_relative_folders_are_recorded_as_absolute_ones(parts, tiny_preset, tmp_path, monkeypatch):
    monkeypatch.chdir(parts.parent)
    given = ("--data", parts.name, "--run", tmp_path / "run", "--no-select", "--steps", 1)
    assert call("fit", tiny_preset, *given).exit_code == 0
    monkeypatch.chdir(tmp_path)
    done = call("evaluate", "run", "--suite", "pgd", "--steps", 1, "--curve", "", "--gallery", 0)
    assert done.exit_code == 0, words(done)


def test_a_data_set_that_has_gone_is_named_anew(run, parts, tmp_path):
    folder = shutil.copytree(run, tmp_path / "run")
    config = (folder / "config.yaml").read_text().replace(str(parts), "/gone")
    (folder / "config.yaml").write_text(config)
    terms = ("--suite", "pgd", "--steps", 1, "--curve", "", "--gallery", 0)
    lost = call("evaluate", folder, *terms)
    assert lost.exit_code == 1
    assert "/gone, is not there any more; say where it is now with --data" in words(lost)
    assert call("evaluate", folder, *terms, "--data", parts).exit_code == 0


def test_of_good_parts_alone_fit_says_what_can_be_done(parts, tiny_preset, tmp_path):
    good = shutil.copytree(parts / "train/good", tmp_path / "photos/good").parent
    run = tmp_path / "run"
    done = call("fit", tiny_preset, "--data", good, "--run", run, "--no-select")
    assert done.exit_code == 0, words(done)
    assert "Next: hardsight score" in words(done)
    assert "Next: hardsight evaluate" not in words(done)
    for command in ("evaluate", "audit", "certify"):
        refused = call(command, run)
        assert refused.exit_code == 1
        assert "0 normal and 0 anomalous test images, and figures need both" in words(refused)
    assert call("score", run, parts / "test/good").exit_code == 0


def test_too_few_normals_are_refused_before_the_training(parts, tiny_preset, tmp_path):
    photos = tmp_path / "photos/good"
    photos.mkdir(parents=True)
    for path in sorted((parts / "train/good").iterdir())[:2]:
        shutil.copy(path, photos)
    done = call("fit", tiny_preset, "--data", photos.parent, "--run", tmp_path / "r")
    assert done.exit_code == 1
    assert "needs at least 2 beside" in words(done)
    assert not (tmp_path / "r/training").exists()
    one = call("fit", tiny_preset, "--data", parts, "--normals", 1, "--run", tmp_path / "one")
    assert one.exit_code == 2
    assert "'--normals': Input should be greater than or equal to 2" in words(one)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"\xff"),
        ("config.json", b"[]"),
        ("calibration.json", b"{"),
        ("calibration.json", b"\xff\xfe"),
        ("config.yaml", b"a: [1"),
        ("config.yaml", b"\xff"),
        ("manifest.json", b"{"),
    ],
)
def test_a_damaged_file_is_named(run, parts, tmp_path, name, content):
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / name).write_bytes(content)
    command = ("evaluate", folder) if name == "manifest.json" else ("score", folder, parts / "test")
    done = call(*command)
    assert done.exit_code == 1
    assert f"{folder / name}" in words(done)
