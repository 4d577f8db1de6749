import json
import sys
from dataclasses import replace

import baseline_tables
import baselines
import figures
import numpy as np
import pytest
from gaussian_method import METHOD

from bright import Bright
from hardsight.attacks import build_suite
from hardsight.audit import Budget
from hardsight.backbones import Backbone
from hardsight.config import CONFIGS, Config
from hardsight.config.detection import detector_config
from hardsight.detectors.methods import METHODS
from hardsight.metrics import auroc
from hardsight.runs import start_run

KEY = "gaussian, parts, seed 0"
TINY = Budget("tiny", ("score",), (1,), 1, (1,), (1,), (1,), queries=3, gradients=4)


class Spade(METHOD.detector):
    """A detector with published figures."""

    paper = "SPADE"


@pytest.fixture(scope="module")
def plan():
    suites = [
        build_suite(name, norm, eps, steps=2, objectives=("score",))
        for name in ("pgd", "eot-pgd")
        for norm, eps in (("Linf", "2/255"), ("L2", 0.2))
    ]
    return baselines.Plan(tuple(suites), 4, suites[0].ball, TINY)


@pytest.fixture
def make(parts, tmp_path, monkeypatch):
    """Returns the baseline of one run; figures go to a temporary folder."""
    method = replace(METHOD, detector=Spade)
    monkeypatch.setitem(METHODS, METHOD.name, method)
    monkeypatch.setitem(CONFIGS, METHOD.name, detector_config(method))
    monkeypatch.setattr(figures, "RESULTS", tmp_path)

    def make(plan):
        values = {"method": "gaussian", "detector": {"image_size": 16}}
        config = Config.parse(values | {"data": {"path": str(parts)}}, "test")
        return baselines.Baseline(start_run(tmp_path / "run", config, resume=True), plan)

    return make


def test_every_stage_is_made_once_and_kept(make, plan, tmp_path, capsys):
    first = make(replace(plan, suites=plan.suites[:2]))
    baselines.measure(first, "found", KEY)
    entry = json.loads((tmp_path / "found.json").read_text())[KEY]
    linf, l2 = (first.plan.named(s) for s in first.plan.suites)
    assert list(entry) == ["fit", "clean", "scoring", "audit", linf, l2]
    assert entry["fit"]["peak memory, MiB"] >= entry["fit"]["memory before, MiB"] > 50
    assert entry["scoring"]["images a second"] > 0
    detector, data = first.opened
    scores = detector.predict(data.test.images()).pred_score.double().numpy()
    (clean, *_) = entry["clean"]["rows"]
    assert clean["mean"][0] == auroc(scores, data.test.labels)
    attacked = next(r for r in entry[linf]["rows"] if r["norm"])
    assert (attacked["attack"], attacked["eps"]) == ("pgd", pytest.approx(2 / 255))
    assert "not audited" not in attacked["flags"]

    capsys.readouterr()
    written = (tmp_path / "run/metrics.json").stat().st_mtime_ns
    second = make(plan)
    baselines.measure(second, "found", KEY)
    assert capsys.readouterr().out.count("is done") == 2  # the two suites that were not there
    again = json.loads((tmp_path / "found.json").read_text())[KEY]
    assert {k: again[k] for k in entry} == entry
    assert again[second.plan.named(plan.suites[2])] is None  # there is no noise to average
    assert (tmp_path / "run/metrics.json").stat().st_mtime_ns == written  # fitted once


def test_a_pretrained_network_is_named():
    detector = Bright()
    assert baselines.backbone_of(detector) is None
    detector.network = Backbone(weights="random")
    assert baselines.backbone_of(detector) == "tf_efficientnet_lite0 (random)"


def test_an_entry_of_other_weights_is_made_anew(make, plan, tmp_path):
    figures.write("found", {KEY: {"fit": {"weights": "others"}, "clean": {}}})
    baselines.measure(make(replace(plan, suites=(), audit=None)), "found", KEY)
    entry = json.loads((tmp_path / "found.json").read_text())[KEY]
    assert entry["clean"]["rows"]


def test_the_command_measures_a_preset_and_prints_the_tables(
    make, parts, tmp_path, monkeypatch, capsys
):
    (tmp_path / "flat.yaml").write_text("{method: gaussian, detector: {image_size: 16}}")
    preset = str(tmp_path / "flat.yaml")
    chosen = ["--suites", "pgd", "--balls", "Linf:2/255", "--images", "4", "--audit", "none"]
    places = ["--runs", str(tmp_path / "runs"), "--results", "found"]
    command = ["it", str(parts), "--methods", preset, "--seeds", "3", *chosen, *places, "--table"]
    monkeypatch.setattr(sys, "argv", command)
    baselines.main()
    (key,) = json.loads((tmp_path / "found.json").read_text())
    assert key == f"{preset}, parts, seed 3"
    (run,) = (tmp_path / "runs").glob("*/parts-3/model.safetensors")
    assert run.is_file()
    assert f"| {preset} | parts | 85.4 / 100.0 |" in capsys.readouterr().out


def entry(values, paper="SPADE", published=None):
    """An entry with AUROCs: clean, under L-inf and under L2 PGD, and under the strongest."""
    rows = [
        {"attack": attack, "norm": norm, "eps": eps, "mean": [value], "published": of_paper}
        for (attack, norm, eps), value, of_paper in zip(
            (
                ("clean", None, 0.0),
                ("pgd", "Linf", 2 / 255),
                ("pgd", "L2", 0.2),
                ("autoattack-rand", "Linf", 2 / 255),
            ),
            values,
            published or (None,) * 4,
            strict=True,
        )
    ]
    rows = [row | {"metric": "AUROC", "target": "image"} for row in rows]
    fit = {"paper": paper, "backbone": "random", "fit_seconds": 2.0}
    return {"fit": fit, "clean": {"rows": rows[:1]}, "attack": {"rows": rows}, "other": None}


def test_the_tables_show_published_beside_measured_figures():
    published = (0.889, 0.0, 0.0, None)
    found = baseline_tables.tables(
        {
            "spade, toothbrush, seed 0": entry((0.9, 0.02, 0.3, 0.01), published=published),
            "spade, toothbrush, seed 1": entry((0.8, 0.04, 0.1, 0.01), published=published),
            "spade, parts, seed 0": entry((0.7, 0.5, 0.5, 0.2)),
            "other, parts, seed 0": entry((0.6, 0.1, 0.2, 0.0), paper=None),
        }
    )
    lines = found.splitlines()
    assert "| spade | 88.9 / 85.0 | 0.0 / 3.0 |" in lines  # Table 1
    assert "| toothbrush | 0.0 / 3.0 (88.9 / 85.0) | - / - (- / -) |" in lines  # Table 2
    assert "| parts | - / 50.0 (- / 70.0) | - / 20.0 (- / 60.0) |" in lines  # Table 3
    clean, linf, l2, least = np.mean([(90, 2, 30, 1), (80, 4, 10, 1), (70, 50, 50, 20)], axis=0)
    cells = f"85.4 / {clean:.1f} | 0.0 / {linf:.1f} | 7.6 / {l2:.1f} | - / - | - / -"
    assert f"| spade | toothbrush, parts | {cells} | {least:.1f} | {l2:.1f} |" in lines  # Table 4
    assert "| other | parts | random | - | - | - | 2 | - | - | - |" in lines
