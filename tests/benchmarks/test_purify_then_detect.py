import json
import sys

import figures
import numpy as np
import purify_then_detect
import pytest
from gaussian_method import METHOD
from PIL import Image
from tiny_detector import tiny_advrad

from hardsight.attacks import build_suite
from hardsight.config import CONFIGS, Config
from hardsight.config.detection import detector_config
from hardsight.detectors.advrad.start import Start
from hardsight.detectors.methods import METHODS
from hardsight.evaluation import Protocol
from hardsight.metrics import auroc
from hardsight.runs import open_detector_run, start_run


@pytest.fixture
def run(parts, tmp_path, monkeypatch):
    monkeypatch.setitem(METHODS, METHOD.name, METHOD)
    monkeypatch.setitem(CONFIGS, METHOD.name, detector_config(METHOD))
    values = {"method": "gaussian", "detector": {"image_size": 16}, "data": {"path": str(parts)}}
    start_run(tmp_path / "gaussian/parts-0", Config.parse(values, "test")).fit("cpu")
    return open_detector_run(tmp_path / "gaussian/parts-0")


@pytest.fixture
def denoiser(tmp_path):
    tiny_advrad().save_pretrained(tmp_path / "start")
    return Start.read(tmp_path / "start").trained(16)


def test_figures_are_those_of_the_detector(run):
    detector, data = run.tested()
    suite = build_suite("pgd", steps=2, objectives=("score",))
    attacked = purify_then_detect.Attacked(suite, 4, Protocol(2, gallery=0))
    found = purify_then_detect.figures_at(run, detector, data, attacked)
    scores = detector.predict(data.test.images()).pred_score.double().numpy()
    assert found["clean"][0] == auroc(scores, data.test.labels)
    assert found["attacked"][0] <= found["clean"][0]
    assert found["images"] == {"clean": 8, "attacked": 4}


def test_a_call_makes_what_is_missing_and_draws_all(run, denoiser, tmp_path, monkeypatch, capsys):
    for module in (figures, purify_then_detect):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    key = "gaussian, parts-0, one-shot by start"
    before = {depth: {"clean": [1, 1, 1], "attacked": [0.5, 0.4, 0.6]} for depth in ("0", "50")}
    figures.write("purify_then_detect", {key: before})
    chosen = ["--denoiser", str(tmp_path / "start"), "--depths", "50", "150", "--images", "4"]
    few = ["--suite", "pgd", "--steps", "1", "--fresh-draws", "1"]
    monkeypatch.setattr(sys, "argv", ["it", str(run.path), *chosen, *few])
    purify_then_detect.main()
    found = json.loads((tmp_path / "purify_then_detect.json").read_text())[key]
    assert list(found) == ["0", "50", "150"]
    assert {depth: found[depth] for depth in before} == before
    assert "t* 50    1.000 0.500" in capsys.readouterr().out
    name = "purify_then_detect_gaussian_parts-0_one-shot_by_start.png"
    picture = Image.open(tmp_path / name)
    assert picture.width > picture.height / 2
    assert np.asarray(picture).std() > 20
