import json

import pytest
import torch
from tiny_detector import tiny_advrad, tiny_bastion, untrained_bastion

from hardsight.config import ConfigError, load_preset
from hardsight.detectors import PaDiM
from hardsight.detectors.advrad.start import Start, take_over
from hardsight.evaluation.provenance import fingerprint
from hardsight.runs.started import origin, record_start


@pytest.mark.parametrize("made", [tiny_advrad, tiny_bastion])
def test_a_saved_detector_that_is_no_run_is_a_start(made, tmp_path):
    saved, run = tmp_path / "saved", tmp_path / "run"
    run.mkdir()
    made().save_pretrained(saved)
    record_start(run, str(saved))
    assert origin(run) == {"start": f"{saved}, weights {fingerprint(made())}"}
    record_start(run, str(saved))  # resumed
    (run / "start.json").write_text(json.dumps({"run": str(saved), "weights": "others"}))
    with pytest.raises(ConfigError, match="began from others"):
        record_start(run, str(saved))


def test_from_an_advrad_a_bastion_takes_the_denoiser_and_keeps_a_fresh_head(tmp_path):
    tiny_advrad().save_pretrained(tmp_path)
    mine, fresh = untrained_bastion(seed=3), untrained_bastion(seed=3)
    take_over(mine, Start.read(tmp_path))
    for name, weights in tiny_advrad().denoiser.state_dict().items():
        assert torch.equal(mine.denoiser.state_dict()[name], weights)
    for name, weights in fresh.head.state_dict().items():
        assert torch.equal(mine.head.state_dict()[name], weights)


def test_another_method_is_no_start(tmp_path):
    backbone = {"name": "test_efficientnet", "weights": "random"}
    PaDiM(backbone=backbone, image_size=32).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="without a denoiser; name one of method advrad"):
        record_start(tmp_path, str(tmp_path))


@pytest.mark.parametrize(
    ("preset", "own"), [("advrad", "photographs"), ("hardsight", None), ("demo", "photographs")]
)
def test_presets_begin_from_their_own_start_unless_told(preset, own):
    config = load_preset(preset)
    assert config.fit.started_from == own
    ways = (("none", None), ("runs/mine", "runs/mine"), ("photographs", "photographs"))
    for given, start in ways:
        assert config.updated({"start": given}).fit.started_from == start
    ours = config.detector_settings["denoiser"]
    assert ours == Start.read("photographs").settings["denoiser"]
