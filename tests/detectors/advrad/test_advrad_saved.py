import json

import pytest
import torch
from safetensors.torch import save_file
from tiny_detector import images

from hardsight.attacks import ScoreObjective, value_and_gradient
from hardsight.detectors import AdvRAD, PatchCore, Scoring


def test_save_and_load_give_the_same_detector(make_advrad, tmp_path):
    scoring = Scoring(
        k=30,
        average="reconstruction",
        margin=0.05,
        filter_size=5,
        reference="deviation",
        aggregation="mean",
        map_filter_size=3,
    )
    detector = make_advrad(k=40, aggregation="top:0.2")
    detector = detector.with_scoring(scoring, detector.statistics)
    detector = detector.calibrate(images(20), level=0.1)
    detector.save_pretrained(tmp_path)
    assert not list(tmp_path.glob("*.p*t*"))  # nothing pickled
    loaded = AdvRAD.from_pretrained(tmp_path)
    noise = detector.sample_noise(images(), torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        loaded(images(), noise).pred_score, detector(images(), noise).pred_score
    )
    assert loaded.calibration == detector.calibration
    assert loaded.settings == detector.settings
    assert loaded.scoring == scoring


def test_loading_is_silent_and_damage_is_explained(make_advrad, tmp_path, capfd):
    make_advrad().save_pretrained(tmp_path)
    AdvRAD.from_pretrained(tmp_path)
    assert capfd.readouterr().out == ""  # a table on stdout must stay a table
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ValueError, match="cannot be loaded"):
        AdvRAD.from_pretrained(tmp_path)
    weights.unlink()
    with pytest.raises(FileNotFoundError, match="holds no model"):
        AdvRAD.from_pretrained(tmp_path)


def test_a_detector_of_another_class_is_told(make_advrad, tmp_path):
    make_advrad().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"settings that are none of PatchCore.*load it with"):
        PatchCore.from_pretrained(tmp_path)


def test_fixed_noise_is_saved_with_the_detector_and_scores_by_it(make_advrad, tmp_path):
    """One noise for all images: as a random detector scores them when it is given that noise."""
    detector, x = make_advrad(fixed_noise=True), images()
    assert detector.sample_noise(x) is None
    noise = detector.known_noise(3)
    assert noise.shape == (3, 2, 3, 16, 16)
    assert not torch.equal(noise[:, 0], noise[:, 1])
    expected = make_advrad()(x, noise).pred_score
    assert torch.equal(detector(x).pred_score, expected)
    torch.testing.assert_close(detector(x[1:2]).pred_score, expected[1:2])
    detector.known_noise.drawn.mul_(0.5)  # the file says what it is, not the seed
    detector.save_pretrained(tmp_path)
    loaded = AdvRAD.from_pretrained(tmp_path)
    assert torch.equal(loaded(x).pred_score, detector(x).pred_score)
    assert not torch.equal(loaded(x).pred_score, expected)
    objective = ScoreObjective(detector, torch.tensor([False, True, True]), draws=8)
    first, gradient = value_and_gradient(objective, x)
    second, same = value_and_gradient(objective, x)
    assert torch.equal(first, second)
    assert torch.equal(gradient, same)


def test_noise_that_is_not_fixed_is_not_recorded(make_advrad, tmp_path):
    """Else a fit from before it could be fixed would no longer be the one that was audited."""
    make_advrad().save_pretrained(tmp_path)
    assert "fixed_noise" not in json.loads((tmp_path / "config.json").read_text())
    assert "fixed_noise" not in AdvRAD.from_pretrained(tmp_path).settings
    assert make_advrad(fixed_noise=True).settings["fixed_noise"]


def test_a_flat_file_of_before_scoring_was_grouped_is_read(make_advrad, tmp_path):
    """``config.json`` as earlier versions wrote it, and weights under the names they had."""
    weights = make_advrad(k=40).state_dict() | {"known_noise.drawn": torch.ones(1, 2, 3, 16, 16)}
    save_file(weights, tmp_path / "model.safetensors")
    flat = {
        "denoiser": {"name": "fast", "channels": 8, "multipliers": [1, 1], "patch": 2},
        "image_size": 16, "k": 40, "shots": 1, "draws": 2, "average": "error", "margin": 0.06,
        "filter_size": 3, "reference": "standardised", "aggregation": "top:0.1",
        "map_filter_size": 1, "precision": "fp32", "fixed_noise": True, "seed": 0,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(flat))
    found = AdvRAD.from_pretrained(tmp_path)
    assert found.scoring == Scoring(k=40, margin=0.06, filter_size=3, aggregation="top:0.1")
    assert found.settings == flat
    plain, x = make_advrad(k=40, margin=0.06, aggregation="top:0.1"), images()
    ones = torch.ones(3, 2, 3, 16, 16)
    assert torch.equal(found(x).pred_score, plain(x, ones).pred_score)


@pytest.mark.parametrize("content", ['{"k": ', "[]"])
def test_a_damaged_configuration_is_named(make_advrad, tmp_path, content):
    make_advrad().save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match=r"config\.json is damaged .*; restore it, or fit again"):
        AdvRAD.from_pretrained(tmp_path)
