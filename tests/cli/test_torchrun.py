"""``hardsight fit`` in the processes of torchrun is one fit, of which the first process tells."""

import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file
from typed import call, words

pytestmark = pytest.mark.slow


def torchrun(*arguments):
    """Run ``hardsight`` in two processes, and return what they print."""
    command = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node",
               "2", "-m", "--", "hardsight", *map(str, arguments))  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if "events" not in path.name}


def curve(run):
    """Return step -> loss."""
    lines = (run / "training/train.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["step"]: record["loss"] for record in map(json.loads, lines)}


def test_two_processes_fit_one_run_and_go_on_with_it(parts, tiny_preset, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    common = ("fit", tiny_preset, "--data", parts, "--device", "cpu", "--run")
    alone = call(*common, one)
    assert alone.exit_code == 0, words(alone)
    assert torchrun(*common, two).count(f"The detector is in {two}") == 1
    assert files(one) == files(two)
    alone, together = curve(one), curve(two)
    assert list(together) == [2, 4, 6]
    assert together == pytest.approx(alone, rel=1e-4)
    weights = load_file(two / "model.safetensors")
    (two / "metrics.json").unlink()
    (two / "training/checkpoints/step-00000006.safetensors").unlink()
    torchrun("fit", "--resume", "--device", "cpu", "--run", two)
    again = load_file(two / "model.safetensors")
    assert all(torch.equal(again[name], value) for name, value in weights.items())
    assert curve(two) == together
