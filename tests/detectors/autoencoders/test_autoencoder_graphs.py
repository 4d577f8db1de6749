"""Exported graphs against the autoencoders they are made of."""

import pytest
import torch
from tiny_autoencoders import OWN, tiny

from hardsight.detectors.autoencoders import APAE
from hardsight.export.graph import demand_exportable, write_onnx


@pytest.mark.parametrize("made", [m for m in OWN if m.exportable], ids=lambda made: made.__name__)
def test_the_graph_agrees_with_the_autoencoder(made, tmp_path):
    for extra in ("onnx", "onnxscript"):
        pytest.importorskip(extra)
    runtime = pytest.importorskip("onnxruntime")
    detector = tiny(made)
    write_onnx(detector, tmp_path / "graph.onnx")
    x = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    score, maps = runtime.InferenceSession(tmp_path / "graph.onnx").run(None, {"images": x.numpy()})
    expected = detector.predict(x)
    torch.testing.assert_close(torch.from_numpy(score), expected.pred_score, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(torch.from_numpy(maps), expected.anomaly_map, rtol=1e-4, atol=1e-5)


def test_a_descent_has_no_graph():
    with pytest.raises(ValueError, match="this APAE cannot be exported"):
        demand_exportable(tiny(APAE))
