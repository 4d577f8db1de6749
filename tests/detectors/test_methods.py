import pytest
import torch
from gaussian_method import METHOD

import hardsight
from hardsight.config import CONFIGS, Config, ConfigError, load_preset
from hardsight.config.detection import detector_config
from hardsight.detectors.methods import METHODS
from hardsight.runs import open_detector_run, start_run
from tiny_methods import TINY


def test_a_method_of_one_file_and_one_line_is_fitted_saved_loaded_and_scored(
    parts, tmp_path, monkeypatch
):
    monkeypatch.setitem(METHODS, METHOD.name, METHOD)
    monkeypatch.setitem(CONFIGS, METHOD.name, detector_config(METHOD))  # from METHODS, at import
    values = {"method": "gaussian", "detector": {"image_size": 16}, "data": {"path": str(parts)}}
    start_run(tmp_path / "run", Config.parse(values, "test")).fit("cpu")
    run = open_detector_run(tmp_path / "run")
    again, data = run.detector("cpu"), run.data()
    assert isinstance(again, METHOD.detector)
    images = data.test.images()
    found = again.predict(images)
    normals = data.train.images().float() / 255
    distance = (images / 255 - normals.mean(0)) / (normals.std(0) + 0.02)
    torch.testing.assert_close(
        found.pred_score, distance.square().mean(1).flatten(1).amax(1), rtol=1e-4, atol=1e-4
    )
    assert found.pred_label.tolist() == data.test.labels.tolist()


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_a_summary_is_one_sentence(method):
    assert method.summary.endswith(".")
    assert "\n" not in method.summary


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_a_strength_is_a_short_line_beside_the_summary(method):
    assert "\n" not in method.strength
    assert not method.strength.endswith(".")


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_its_time_is_known(method):
    fit, image = method.seconds
    assert fit > 5
    assert 0.001 < image < 1


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_its_detector_is_imported_as_the_card_says_and_its_preset_makes_one(method):
    assert getattr(hardsight, method.detector.__name__) is method.detector
    assert load_preset(method.preset).method == method.name


def test_a_method_that_trains_nothing_takes_no_steps():
    with pytest.raises(ConfigError, match="method patchcore trains no network"):
        load_preset("patchcore").updated({"training.steps": 30})
    with pytest.raises(ConfigError, match=r"training\.devices=2, but method patchcore trains no"):
        load_preset("patchcore").updated({"training.devices": 2})
    with pytest.raises(ConfigError, match="leaves the network untrained"):
        load_preset("stfpm").updated({"training.steps": 0})


def test_a_start_makes_training_steps_needless():
    config = METHODS["advrad"].config
    assert config().started_from is None
    assert config(start="runs/all").started_from == "runs/all"


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("patchcore", {"pool": 2}),
        ("spade", {"pool": 0}),
        ("cfa", {"adapted": 0}),
        ("simplenet", {"pool": 4}),
        ("simplenet", {"side": 0}),
        ("simplenet", {"hidden": 0}),
        ("fastflow", {"blocks": 0}),
        ("fastflow", {"hidden_ratio": -1.0}),
        ("cflow", {"blocks": -1}),
        ("reverse-distillation", {"blocks": 0}),
        ("recontrast", {"blocks": -1}),
        ("dinomaly", {"heads": 0}),
        ("efficient-ad", {"width": 0}),
        ("draem", {"patch": 0}),
        ("draem", {"levels": -1}),
        ("draem", {"discriminative": 0}),
    ],
)
def test_sizes_that_make_no_network_are_named_when_it_is_built(method, settings):
    """Not in the course of a fit, nor taken for others."""
    ((name, value),) = settings.items()
    with pytest.raises(ValueError, match=f"{name} must be .*, got {value}"):
        METHODS[method].detector(**TINY[method]["detector"] | settings)
