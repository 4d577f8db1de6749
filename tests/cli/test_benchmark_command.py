import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest
import yaml
from class_files import write_digits, write_preset
from typed import call, words

from hardsight.benchmark import entries, plan_names

PLAN = {
    "title": "tiny",
    "methods": [
        {
            "preset": "padim",
            "settings": {"detector.image_size": 32, "detector.channels": 4},
        }
    ],
    "data": [{"name": "mvtec_ad", "categories": ["parts"]}],
    "threats": [{"suites": ["pgd"]}],
    "how": {"images": 4, "effort": {"steps": 1, "objectives": ["score"]}, "pictures": 0},
}


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(PLAN), encoding="utf-8")
    return path


def test_a_plan_is_estimated_and_carried_out(plan, parts, tmp_path):
    options = ("--output", tmp_path / "out", "--data", parts.parent)
    said = call("benchmark", plan, *options, "--dry-run")
    assert re.search(r"1 entry in 1 job to be made: about \d+ s", words(said))
    assert not (tmp_path / "out").exists()
    done = call("benchmark", plan, *options)
    assert done.exit_code == 0, words(done)
    assert "padim, mvtec_ad, parts, seed 0: entry 1 of 1 is there: L-inf 2/255" in words(done)
    assert "padim, mvtec_ad, parts, seed 0: done" in words(done)
    assert "All entries of the plan are there already" in words(call("benchmark", plan, *options))
    (entry,) = entries(tmp_path / "out").values()
    assert {row.attack for row in entry.attacked} == {"clean", "pgd"}
    assert entry.backbone == "tf_efficientnet_lite0 (bundled)"


def test_images_that_are_missing_are_said(plan, tmp_path):
    done = call("benchmark", plan, "--output", tmp_path / "out", "--data", tmp_path)
    assert done.exit_code == 1
    assert "not measured: padim, mvtec_ad, parts, seed 0" in words(done)
    said = words(call("benchmark", "advrad-paper", "--data", tmp_path, "--dry-run"))
    assert "missing: advrad-paper, mvtec_ad, carpet, seed 0" in said
    assert "... and 87 more jobs without images" in said  # 30 categories, three seeds
    assert "0 entries in 0 jobs to be made" in said


def test_an_unknown_plan_is_refused():
    done = call("benchmark", "none")
    assert done.exit_code == 1
    assert "smoke" in words(done)


def test_a_classifier_is_measured_by_its_accuracy(tmp_path):
    write_digits(tmp_path / "digits")
    values = PLAN | {
        "methods": [str(write_preset(tmp_path, "classifier"))],
        "data": [{"name": "mnist", "folder": "digits"}],
        "threats": [{"eps": 0.1, "suites": ["pgd"]}],
        "how": {"images": 20, "effort": {"steps": 2}, "batch_size": 10, "pictures": 0},
    }
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    options = ("--output", tmp_path / "out", "--data", tmp_path)
    done = call("benchmark", tmp_path / "plan.yaml", *options)
    assert done.exit_code == 0, words(done)
    ((path, entry),) = entries(tmp_path / "out").items()
    assert (entry.kind, entry.data.test_images, entry.data.anomalous) == ("classifier", 40, None)
    assert len(entry.touched["attacked"]) == 20
    rows = {row.attack: row.mean.value for row in entry.attacked}
    assert rows["pgd"] <= rows["clean"] == pytest.approx(sum(entry.scores["clean"]) / 20)
    again = call("benchmark", "--verify", path)
    assert again.exit_code == 0, words(again)
    assert "pgd" in words(again)
    site = call("leaderboard", tmp_path / "out", "--output", tmp_path / "site")
    assert site.exit_code == 0, words(site)
    assert "Accuracy; each line" in (tmp_path / "site/methods/classifier.html").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in plan_names() if "smoke" in n])
def test_smoke_plans_are_carried_out(name, tmp_path):
    done = call("benchmark", name, "--output", tmp_path)
    assert done.exit_code == 0, words(done)
    assert entries(tmp_path)


@pytest.mark.slow
def test_the_smoke_plan_killed_at_ten_random_moments_gives_the_same(tmp_path):
    def begun(place, *options):
        words = ["benchmark", "smoke", "--output", str(tmp_path / place), *options]
        return subprocess.Popen([sys.executable, "-m", "hardsight", *words])

    before = time.monotonic()
    assert begun("whole").wait() == 0
    took = time.monotonic() - before
    moments = random.Random(0)
    for _ in range(10):
        process = begun("killed", "--workers", "2")
        time.sleep(moments.uniform(0.1, 0.5) * took)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert begun("killed").wait() == 0
    whole, killed = (
        {path.relative_to(tmp_path / place): entry.result() for path, entry in found.items()}
        for place in ("whole", "killed")
        for found in [entries(tmp_path / place)]
    )
    assert len(whole) == 4
    assert killed == whole
