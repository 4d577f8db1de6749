"""Graphs in eight bits against those they are made of."""

import pytest
import torch
from exportable import patchguard, skip_without
from tiny_detector import tiny_advrad
from tiny_flow import tiny_fastflow

from hardsight.data import load
from hardsight.export import Target, export
from hardsight.export.exporting import LOSS
from hardsight.export.graph import write_onnx
from hardsight.export.quantised import LAYERS, _no_layers, _other_products
from hardsight.runs import start_run
from tiny_methods import tiny_config


def test_eight_bits_are_calibrated_through_the_graph(data, tmp_path):
    skip_without("openvino", "nncf")
    detector = tiny_advrad()
    found, compared = export(detector, data, tmp_path / "e", Target("openvino", int8=True))
    assert found.config.int8
    assert list(compared) == ["torch fp32", "openvino fp32", "openvino bf16", "openvino int8 fp32"]
    assert 'element_type="i8"' in (tmp_path / "e" / "model.xml").read_text()
    held_out = data.validation.images()[1::2]
    scores = found.predict(held_out).pred_score
    torch.testing.assert_close(
        scores.sort().values, torch.tensor(found.calibration.normal_scores), rtol=1e-5, atol=0
    )
    exact = detector.predict(held_out).pred_score
    error = (scores / exact - 1).abs()
    assert 1e-5 < float(error.max()) < 0.3  # rounded, and not lost


def written(detector, folder):
    """Return a detector's OpenVINO graph, not quantised."""
    import openvino

    write_onnx(detector, folder / "graph.onnx")
    return openvino.convert_model(str(folder / "graph.onnx"))


def test_layers_are_quantised_and_what_scores_is_not(tmp_path):
    skip_without("openvino", "nncf")
    detector = patchguard()
    graph = written(detector, tmp_path)
    exact = _other_products(graph, detector)
    products = {op.get_friendly_name() for op in graph.get_ops() if op.get_type_name() == "MatMul"}
    enlargement = 2
    assert len(exact) == enlargement < len(products)
    layers = [m for m in detector.modules() if isinstance(m, torch.nn.Linear | torch.nn.Conv2d)]
    assert len(products) - enlargement == len(layers)


@pytest.mark.parametrize("make", [tiny_advrad, patchguard, tiny_fastflow])
def test_what_keeps_its_precision_lies_behind_every_layer_or_is_a_product_of_none(make, tmp_path):
    skip_without("openvino", "nncf")
    detector = make()
    graph = written(detector, tmp_path)
    products, exact = set(_other_products(graph, detector)), set(_no_layers(graph, detector))
    assert products < exact
    due = [op for op in graph.get_ops() if op.get_friendly_name() in exact - products]
    while due:  # on to what it goes to
        assert due[-1].get_type_name() not in LAYERS or due[-1].get_friendly_name() in products
        outputs = due.pop().outputs()
        due += [given.get_node() for one in outputs for given in one.get_target_inputs()]
    for result in graph.results:
        assert result.input(0).get_source_output().get_node().get_friendly_name() in exact


def test_distances_to_a_memory_bank_stay_near_in_eight_bits(parts, tmp_path, caplog):
    skip_without("openvino", "nncf")
    detector = start_run(tmp_path / "run", tiny_config("patchcore", parts)).fit("cpu")
    detector.calibration = None  # whose level so few images do not bear
    data = load(parts, size=detector.image_size)
    found, compared = export(detector, data, tmp_path / "e", Target("openvino", int8=True))
    x = data.test.images()[~torch.as_tensor(data.test.labels)]
    exact, rounded = detector.predict(x).pred_score, found.predict(x).pred_score
    assert float(((rounded - exact) / exact).abs().max()) < 0.1
    lost = compared["torch fp32"].auroc - compared["openvino int8 fp32"].auroc
    assert ("in 8 bits AUROC is" in caplog.text) == (lost > LOSS)
