import json
import os
import subprocess
import sys

import pytest
import torch

from hardsight.core import precision
from hardsight.core.precision import autocast, resolve, without_autocast

CPU = torch.device("cpu")
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
"""What makes any x86 machine compute as one without AVX-512."""
PROGRAM = """
import json, torch
from hardsight.core.precision import resolve
print(json.dumps(resolve("auto", torch.device("cpu"))._asdict()))
"""


def test_bfloat16_is_not_taken_where_it_is_slow():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | AVX2,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["name"] == "fp32"
    assert "times as fast as float32" in found["why"]


@pytest.fixture
def unmeasured():
    precision._FASTEST.clear()
    yield
    precision._FASTEST.clear()


@pytest.mark.parametrize(("ratio", "name"), [(7.2, "bf16"), (1.1, "fp32"), (0.14, "fp32")])
def test_what_is_clearly_faster_is_taken(monkeypatch, unmeasured, ratio, name):
    monkeypatch.setattr(precision, "_speedup", lambda kind: ratio)
    found = resolve("auto", CPU)
    assert found.name == name
    assert f"{ratio:.2g} times as fast as float32 on this CPU" in found.why


def test_the_ratio_is_that_of_the_layers():
    assert 0.01 < precision._speedup("cpu") < 100


def test_it_is_measured_once():
    precision._FASTEST.clear()
    first = resolve("auto", CPU)
    assert resolve("auto", CPU) is first


def test_the_caller_is_left_as_it_was():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        precision._FASTEST.clear()
        resolve("auto", CPU)
        assert not torch.is_grad_enabled()
        assert torch.is_autocast_enabled("cpu")
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(("choice", "dtype"), [("bf16", torch.bfloat16), ("fp32", torch.float32)])
def test_what_is_named_is_taken(choice, dtype):
    assert resolve(choice, CPU) == (choice, "as set")
    with autocast(choice, CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_another_word_is_refused():
    with pytest.raises(ValueError, match='"auto", "bf16" or "fp32", got \'fp16\''):
        resolve("fp16", CPU)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_without_autocast_products_keep_their_precision(device):
    x = torch.zeros(2, 2, device=device)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = (x @ x).dtype
        with without_autocast(x.device):
            assert (x @ x).dtype == torch.float32
        assert (x @ x).dtype == rounded == (torch.bfloat16 if device == "cpu" else torch.float32)
