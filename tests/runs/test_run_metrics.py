import json
import time

import torch

from hardsight.core.precision import resolve
from hardsight.runs.metrics import write_metrics


def test_the_precision_that_auto_took_is_recorded_with_its_reason(tmp_path):
    cpu = torch.device("cpu")
    write_metrics(tmp_path / "metrics.json", time.perf_counter() - 3, cpu, "auto", "fp32")
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert 3 <= found["fit_seconds"] < 4
    assert found["training_precision"] == resolve("auto", cpu)._asdict()
    assert "as fast as float32" in found["training_precision"]["why"]
    assert found["scoring_precision"] == {"name": "fp32", "why": "as set"}
