import json
import time

import pytest
import torch

from hardsight.core.precision import resolve
from hardsight.runs.metrics import FitMetrics, took, write_metrics


def test_the_precision_that_auto_took_is_recorded_with_its_reason(tmp_path):
    cpu = torch.device("cpu")
    write_metrics(tmp_path / "metrics.json", time.perf_counter() - 3, cpu, "auto", "fp32")
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert 3 <= found["fit_seconds"] < 4
    assert found["training_precision"] == resolve("auto", cpu)._asdict()
    assert "as fast as float32" in found["training_precision"]["why"]
    assert found["scoring_precision"] == {"name": "fp32", "why": "as set"}
    assert FitMetrics.read(tmp_path / "metrics.json") == (
        found["fit_seconds"],
        "cpu",
        found["training_precision"]["name"],
        "fp32",
    )


@pytest.mark.parametrize("content", ["[]", '{"fit_seconds": 1.5', '{"fit_seconds": 1.5}'])
def test_damaged_metrics_are_named(tmp_path, content):
    (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(ValueError, match=r"metrics\.json is damaged \(.*\); restore it, or fit"):
        took(tmp_path / "metrics.json")
