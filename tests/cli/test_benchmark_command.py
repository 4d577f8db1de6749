import os
import random
import signal
import subprocess
import sys
import time

import pytest
import yaml
from typed import call, words

from hardsight.benchmark import entries

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
    assert "1 entries in 1 jobs to be made: about" in words(said)
    assert not (tmp_path / "out").exists()
    done = call("benchmark", plan, *options)
    assert done.exit_code == 0, words(done)
    assert "padim, mvtec_ad, parts, seed 0: done" in words(done)
    (entry,) = entries(tmp_path / "out").values()
    assert {row.attack for row in entry.attacked} == {"clean", "pgd"}
    assert entry.backbone == "tf_efficientnet_lite0 (bundled)"


def test_images_that_are_missing_are_said(plan, tmp_path):
    done = call("benchmark", plan, "--output", tmp_path / "out", "--data", tmp_path)
    assert done.exit_code == 1
    assert "not measured: padim, mvtec_ad, parts, seed 0" in words(done)


def test_an_unknown_plan_is_refused():
    done = call("benchmark", "none")
    assert done.exit_code == 1
    assert "smoke" in words(done)


@pytest.mark.slow
def test_the_smoke_plan_killed_at_random_moments_gives_the_same(tmp_path):
    def begun(place, *options):
        words = ["benchmark", "smoke", "--output", str(tmp_path / place), *options]
        return subprocess.Popen([sys.executable, "-m", "hardsight", *words])

    before = time.monotonic()
    assert begun("whole").wait() == 0
    took = time.monotonic() - before
    moments = random.Random(0)
    for _ in range(5):
        process = begun("killed", "--workers", "2")
        time.sleep(moments.uniform(0.2, 0.8) * took)
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
