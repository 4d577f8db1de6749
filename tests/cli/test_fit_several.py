"""One model of several categories, each from there by itself, and few normals."""

import json

import pytest
import torch
from typed import call, words

from hardsight.config import ConfigError, load_preset
from hardsight.evaluation.provenance import fingerprint
from hardsight.runs import RunError, open_run, origin, start_run
from tiny_parts import write_parts


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    write_parts(folder / "nuts", 0)
    write_parts(folder / "bolts", 1)
    return folder


@pytest.fixture(scope="module")
def both(root, tiny_preset, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "both"
    names = ("--category", "nuts", "--category", "bolts")
    done = call("fit", tiny_preset, "--data", root, *names, "--run", run, "--device", "cpu")
    assert done.exit_code == 0, words(done)
    return run


def test_one_model_of_two_categories_scores_without_a_reference(both, root):
    run = open_run(both)
    detector, data = run.opened("cpu")
    assert data.name == "nuts+bolts"
    assert len(data.test) == 16
    assert detector.scoring.reference == "error"
    assert len(detector.calibration.normal_scores) == 4  # of 5 held out in each, every other
    assert run.data(root / "bolts").name == "bolts"
    assert run.config.data.category == ("nuts", "bolts")
    alike = run.config.updated({"data.category": "all"}).data
    assert alike.category == "all"


def test_a_reference_over_categories_is_refused(root, tiny_preset, tmp_path):
    config = load_preset(str(tiny_preset)).updated(
        {"data.path": str(root), "data.category": "all", "selection": None}
    )
    with pytest.raises(ValueError, match="no common normal error at a pixel"):
        start_run(tmp_path / "r", config).fit("cpu")
    other = load_preset("patchguard").updated(
        {"data.path": str(root), "data.category": ["nuts", "bolts"]}
    )
    with pytest.raises(RunError, match="patchguard takes one category"):
        start_run(tmp_path / "p", other).fit("cpu")


def test_a_start_without_steps_is_kept_and_all_else_is_the_categorys(
    both, root, tiny_preset, tmp_path
):
    one = ("--data", root, "--category", "nuts", "--start", both)
    done = call("fit", tiny_preset, *one, "--steps", 0, "--run", tmp_path / "kept")
    assert done.exit_code == 0, words(done)
    shared, kept = open_run(both).detector("cpu"), open_run(tmp_path / "kept").detector("cpu")
    for a, b in zip(shared.denoiser.parameters(), kept.denoiser.parameters(), strict=True):
        assert torch.equal(a, b)
    assert float(kept.map_spread.max()) > 0
    said = f"{both}, weights {fingerprint(shared)}"
    assert origin(tmp_path / "kept") == {"start": said}
    assert json.loads((tmp_path / "kept/metrics.json").read_text())["start"] == said
    assert f"- start: {said}\n" in (tmp_path / "kept/README.md").read_text()
    tuned = call("fit", tiny_preset, *one, "--steps", 2, "--run", tmp_path / "tuned")
    assert tuned.exit_code == 0, words(tuned)
    moved = open_run(tmp_path / "tuned").detector("cpu")
    assert fingerprint(moved) != fingerprint(kept)


def test_a_start_that_cannot_be_one(both, root, tiny_preset, tmp_path):
    config = load_preset(str(tiny_preset)).updated(
        {"data.path": str(root / "nuts"), "start": str(both)}
    )
    other = config.updated({"detector.denoiser.channels": 16})
    with pytest.raises(ValueError, match=r"channels=8 \(here 16\)"):
        start_run(tmp_path / "a", other).fit("cpu")
    with pytest.raises(ValueError, match="holds no saved detector"):
        start_run(tmp_path / "b", config.updated({"start": str(tmp_path)})).fit("cpu")
    with pytest.raises(ConfigError, match="steps=0 leaves the network untrained"):
        config.updated({"start": None, "training.steps": 0})
    (tmp_path / "c").mkdir()
    (tmp_path / "c/start.json").write_text('{"run": "x", "weights": "y"}')
    with pytest.raises(ConfigError, match="began from y"):
        start_run(tmp_path / "c", config).fit("cpu")


def test_ten_normals_are_enough_and_say_what_they_promise(root, tiny_preset, tmp_path):
    arguments = ("--data", root, "--category", "nuts", "--normals", 10, "--run", tmp_path / "few")
    done = call("fit", tiny_preset, *arguments)
    assert done.exit_code == 0, words(done)
    assert "33.3 %" in words(done)  # 1 / (2 + 1): two of five held out calibrate
    data = open_run(tmp_path / "few").data()
    assert (len(data.train), len(data.validation)) == (10, 5)
    many = call("fit", tiny_preset, *arguments[:5], 20, "--run", tmp_path / "many")
    assert many.exit_code == 1
    assert "19 training images beside the 5 held out" in words(many)


def test_a_model_for_each_category(root, tiny_preset, tmp_path):
    command = ("fit", tiny_preset, "--data", root, "--each", "--run", tmp_path, "--no-select")
    done = call(*command)
    assert done.exit_code == 0, words(done)
    assert open_run(tmp_path / "nuts").data().name == "nuts"
    assert f"bolts: {tmp_path}/bolts. At most" in words(done)
    weights = tmp_path / "bolts/model.safetensors"
    before = weights.stat().st_mtime_ns
    assert "go on with --resume" in words(call(*command))
    again = call(*command, "--resume")
    assert again.exit_code == 0, words(again)
    assert weights.stat().st_mtime_ns == before
    one = call("fit", tiny_preset, "--data", root / "nuts", "--workers", 2)
    assert "share categories out; add --each" in words(one)


def test_a_model_for_each_category_is_not_for_torchrun(root, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        monkeypatch.setenv(name, "1")
    refused = call("fit", "--data", root, "--each")
    assert "begin it without torchrun" in words(refused)
