import inspect

import pytest
import torch
from gaussian_method import METHOD

from hardsight.data import load
from hardsight.detectors.method import FitConfig
from hardsight.detectors.methods import METHODS


def test_a_method_of_one_file_and_one_line_is_fitted_saved_loaded_and_scored(
    parts, tmp_path, monkeypatch
):
    monkeypatch.setitem(METHODS, METHOD.name, METHOD)
    method = METHODS["gaussian"]
    data = load(parts, size=16)
    detector = method.detector(image_size=16)
    detector = detector.fit(data, **method.config().options)
    detector.save_pretrained(tmp_path)
    again = method.detector.from_pretrained(tmp_path)
    images = data.test.images()
    found = again.predict(images)
    normals = data.train.images().float() / 255
    distance = (images / 255 - normals.mean(0)) / (normals.std(0) + 0.02)
    torch.testing.assert_close(
        found.pred_score, distance.square().mean(1).flatten(1).amax(1), rtol=1e-4, atol=1e-4
    )
    assert found.pred_label.tolist() == data.test.labels.tolist()


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_what_a_preset_can_set_of_a_fit_is_what_fit_takes(method):
    options = method.config().options
    assert inspect.signature(method.detector.fit).bind(None, None, **options)
    assert set(options) >= set(FitConfig.model_fields)
    assert method.summary.endswith(".")
    assert "\n" not in method.summary


def test_a_start_makes_training_steps_needless_and_a_category_has_its_own_k():
    config = METHODS["advrad"].config
    assert config().needs_steps
    assert not config(start="runs/all").needs_steps
    assert config(k_by_category={"screw": 9}).arguments_for("screw") == {"k": 9}
    assert config(k_by_category={"screw": 9}).arguments_for("bottle") == {}
