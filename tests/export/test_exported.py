"""Exported graphs against the detectors they are made of."""

import json
import pickle
import shutil
from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch
from exportable import patchguard, skip_without
from tiny_detector import tiny_advrad, tiny_bastion
from tiny_flow import tiny_cflow, tiny_fastflow

from hardsight.attacks import ScoreObjective, value_and_gradient
from hardsight.data import load
from hardsight.detectors import Wrapped
from hardsight.export import Exported, Target, compare, export
from hardsight.export.config import ExportConfig
from hardsight.export.graph import write_onnx
from hardsight.export.runtimes import RUNTIMES

WRITES = all(find_spec(m) for m in ("onnx", "onnxscript"))
READS = {"onnx": "onnxruntime", "openvino": "openvino"}


@pytest.fixture(scope="module", params=["onnx", "openvino"])
def to(request):
    skip_without(READS[request.param])
    return request.param


@pytest.fixture(
    scope="module",
    params=[
        (tiny_advrad, {}),
        (tiny_advrad, {"tile": 8}),
        (tiny_advrad, {"tile": 8, "two_scales": True}),
        (tiny_bastion, {}),
        (tiny_bastion, {"fixed_noise": True}),
    ],
)
def exported(request, to, data, tmp_path_factory):
    make, settings = request.param
    detector = make(map_filter_size=5, **settings)
    folder = tmp_path_factory.mktemp("exports") / to
    return detector, *export(detector, data, folder, Target(to))


@pytest.mark.parametrize("batch", [1, 5])
def test_the_graph_agrees_with_the_detector(exported, batch):
    detector, found, _ = exported
    x = torch.rand(batch, 3, 16, 16, generator=torch.Generator().manual_seed(batch))
    noise = detector.sample_noise(x, torch.Generator().manual_seed(7))
    same = found.sample_noise(x, torch.Generator().manual_seed(7))
    assert same is noise is None or torch.equal(same, noise)
    with torch.no_grad():
        expected, said = detector(x, noise), found(x, noise)
    torch.testing.assert_close(said.pred_score, expected.pred_score, rtol=1e-4, atol=0)
    scale = float(expected.anomaly_map.abs().max())
    torch.testing.assert_close(said.anomaly_map, expected.anomaly_map, rtol=1e-4, atol=1e-4 * scale)


def test_the_folder_is_whole(exported, data):
    detector, found, compared = exported
    values = json.loads((found.folder / "config.json").read_text())
    noise = [2, 3, 16, 16] if detector.random else None
    assert (values["format"], values["noise"]) == (found.config.format, noise)
    assert (values["image_size"], values["detector"]["k"]) == (16, detector.scoring.k)
    again = Exported(found.folder)
    assert again.calibration == found.calibration is not None
    assert again.settings == found.settings
    held_out = data.validation.images()[1::2]
    scores = detector.predict(held_out).pred_score
    expected = torch.tensor(again.calibration.normal_scores)
    torch.testing.assert_close(scores.sort().values, expected, rtol=1e-4, atol=0)
    plain, graph = compared.values()
    assert plain.auroc == graph.auroc
    assert min(plain.seconds, graph.seconds) > 0
    kept = json.loads((found.folder / "comparison.json").read_text())
    assert kept == {name: vars(c) for name, c in compared.items()}


def test_exported_anew_it_keeps_its_reports(data, tmp_path):
    skip_without("onnxruntime", "openvino")
    folder = tmp_path / "e"
    export(tiny_advrad(), data, folder)
    (folder / "evaluation").mkdir()
    (folder / "evaluation/report.html").write_text("figures")
    (folder / "scores.csv").write_text("mine")
    export(tiny_advrad(), data, folder, Target("openvino"))
    assert (folder / "scores.csv").read_text() == "mine"
    assert (folder / "evaluation/report.html").read_text() == "figures"
    assert Exported(folder).config.format == "openvino"
    assert not (folder / "model.onnx").exists()


def test_from_within_it_keeps_what_lies_there_and_tells_of_a_threshold_that_is_lost(
    exported, data, tmp_path, monkeypatch, caplog
):
    detector, found, _ = exported
    folder = shutil.copytree(found.folder, tmp_path / "e")
    (folder / "scores.csv").write_text("mine")
    calibration = detector.calibrate(data.validation.images(), 0.5).demand_calibration()
    attacked = replace(calibration, under="pgd, L-inf 2/255")
    monkeypatch.chdir(folder)
    target = Target(found.config.format)
    again, _ = export(detector.with_calibration(attacked), data, ".", target)
    assert again.folder == folder
    assert Exported(folder).settings == again.settings
    assert (folder / "scores.csv").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["e"]
    assert "holds under pgd, L-inf 2/255; that of the export is set on" in caplog.text


def test_there_is_no_gradient(exported):
    _, found, _ = exported
    x = torch.rand(2, 3, 16, 16)
    assert not found.differentiable
    with pytest.raises(ValueError, match="no gradient"):
        value_and_gradient(ScoreObjective(found, torch.tensor([False, True])), x)


def test_a_decision_is_on_the_noise_of_the_run(exported):
    """Alone, in any batch and order, an image has the detector's score."""
    detector, found, _ = exported
    x = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(5))
    expected = detector.predict(x).pred_score
    scale = {"rtol": 1e-5, "atol": 1e-5 * float(expected.abs().max())}
    for order in (torch.arange(5), torch.tensor([3, 0, 4, 1, 2])):
        together = found.predict(x[order]).pred_score
        torch.testing.assert_close(together, expected[order], **scale)
    alone = torch.cat([found.decide(one[None]).pred_score for one in x])
    torch.testing.assert_close(alone, expected, **scale)
    assert not found.random or not torch.equal(
        found.predict(x, torch.Generator().manual_seed(1)).pred_score, expected
    )


def test_pickled_it_is_opened_from_its_folder(exported, tmp_path):
    _, found, _ = exported
    folder = shutil.copytree(found.folder, tmp_path / "e")
    packed = pickle.dumps(Exported(folder))
    x = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    again = pickle.loads(packed)
    assert torch.equal(again.predict(x).pred_score, found.predict(x).pred_score)
    assert again.calibration == found.calibration
    weights = folder / RUNTIMES[found.config.format].weights
    weights.write_bytes(weights.read_bytes() + b"\0")
    with pytest.raises(ValueError, match="every worker needs the same export"):
        pickle.loads(packed)


def test_without_a_threshold_nothing_is_decided(exported, tmp_path):
    _, found, _ = exported
    shutil.copytree(found.folder, tmp_path / "e")
    (tmp_path / "e/calibration.json").unlink()
    bare, x = Exported(tmp_path / "e"), torch.rand(1, 3, 16, 16)
    assert bare.predict(x).pred_label is None
    with pytest.raises(ValueError, match=r"holds no calibration\.json.*hardsight export"):
        bare.decide(x)


def test_an_export_of_before_is_read(exported, tmp_path):
    _, found, _ = exported
    shutil.copytree(found.folder, tmp_path / "e")
    values = json.loads((found.folder / "config.json").read_text())
    del values["noise_seed"]
    values["precision"] = "f32"
    (tmp_path / "e/config.json").write_text(json.dumps(values))
    assert Exported(tmp_path / "e").config == found.config


def test_auto_is_a_precision_of_this_machine(exported):
    _, found, _ = exported
    assert Exported(found.folder, "auto").precision.name in ("fp32", "bf16")


def test_damage_is_named(exported, tmp_path):
    _, found, _ = exported
    with pytest.raises(ValueError, match=r"config\.json cannot be read.*hardsight export"):
        Exported(tmp_path)
    whole = (found.folder / "config.json").read_text()
    for text in (whole[:-20], whole.replace('"draws"', '"drawn"'), "[]", "\xff"):
        (tmp_path / "config.json").write_text(text, encoding="latin-1")
        with pytest.raises(ValueError, match=f"{tmp_path}/config.json is damaged"):
            ExportConfig.read(tmp_path)
    (tmp_path / "config.json").write_text(whole)
    with pytest.raises(ValueError, match="holds no model"):
        Exported(tmp_path)
    if found.config.noise:
        with pytest.raises(ValueError, match="noise must have shape"):
            found(torch.rand(2, 3, 16, 16), torch.zeros(2, 1, 3, 16, 16))


@pytest.mark.parametrize("make", [patchguard, tiny_fastflow, tiny_cflow])
@pytest.mark.parametrize("to", ["onnx", "openvino"])
def test_a_deterministic_detector_has_no_noise(to, make, parts, tmp_path):
    skip_without(READS[to])
    detector = make()
    found, _ = export(detector, load(parts, size=detector.image_size), tmp_path / "e", Target(to))
    assert found.config.noise is None
    x = torch.rand(4, 3, *detector.size, generator=torch.Generator().manual_seed(0))
    assert found.sample_noise(x) is None
    with torch.no_grad():
        expected, said = detector(x), found(x)
    torch.testing.assert_close(said.pred_score, expected.pred_score, rtol=1e-4, atol=1e-6)
    scale = float(expected.anomaly_map.abs().max())
    torch.testing.assert_close(said.anomaly_map, expected.anomaly_map, rtol=1e-4, atol=1e-4 * scale)


def test_comparison_is_of_the_same_noise(data):
    detector = tiny_advrad()
    found = compare({"one": detector, "other": detector}, data.validation.images())
    assert found["one"].auroc == found["other"].auroc


def test_others_are_refused(data, tmp_path):
    wrapped = Wrapped(lambda x: x.mean((1, 2, 3)), image_size=16)
    with pytest.raises(ValueError, match="this Wrapped cannot be exported"):
        export(wrapped, data, tmp_path / "e")
    with pytest.raises(ValueError, match="shots=1"):
        write_onnx(tiny_advrad(shots=2), tmp_path / "m.onnx")
    for values in ({"int8": True}, {"precision": "bf16"}):
        with pytest.raises(ValueError, match="--to openvino"):
            Target(**values)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/model.safetensors").touch()
    with pytest.raises(ValueError, match="another folder"):
        export(tiny_advrad(), data, tmp_path / "kept")
    assert not (tmp_path / "e").exists()


@pytest.mark.skipif(WRITES and all(map(find_spec, READS.values())), reason="all is installed")
def test_what_is_missing_is_said(data, tmp_path):
    missing = next(to for to, m in READS.items() if find_spec(m) is None or not WRITES)
    with pytest.raises(ImportError, match=r"pip install 'hardsight\["):
        export(tiny_advrad(), data, tmp_path / "e", Target(missing))
    assert set(RUNTIMES) == set(READS)
