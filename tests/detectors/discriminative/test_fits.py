"""From a preset to a saved detector, for every method of the room."""

import pytest
import torch
from stopping import fit_until

from hardsight.config import Config
from hardsight.runs import start_run

JUDGED = {
    "backbone": {"weights": "random", "taps": [0, 1]},
    "image_size": 16,
    "hidden": 16,
    "sigma": 1.0,
    "precision": "fp32",
}
NETWORKS = {
    "image_size": 16,
    "reconstructive": 8,
    "discriminative": 8,
    "levels": 1,
    "patch": 2,
    "filter_size": 3,
    "precision": "fp32",
}
DETECTORS = {"draem": NETWORKS, "simplenet": JUDGED, "glass": JUDGED}
PLAIN = {"draem": {}, "simplenet": {}, "glass": {"global_anomalies": {"noise": 1.0}}}
ROBUST = {
    "draem": {"adversary": {"steps": 1}, "warm_up": 2},
    "simplenet": {"adversary": {"steps": 1}},
    "glass": {"adversary": {"steps": 1}},
}


@pytest.fixture(params=DETECTORS)
def config(request, parts):
    training = {
        "steps": 40,
        "batch_size": 4,
        "lr": 4.0e-3,
        "ema_decay": 0.5,
        "checkpoint_every": 20,
        "sample_every": 40,
        "precision": "32-true",
        "accelerator": "cpu",
    }
    values = {
        "method": request.param,
        "detector": DETECTORS[request.param],
        "training": training,
        "augment": "none",
        "data": {"path": str(parts)},
    }
    return Config.parse(values | PLAIN[request.param], "test")


def test_a_fit_tells_an_obvious_defect_and_loads_again(config, tmp_path):
    run = start_run(tmp_path / "run", config)
    found = run.fit("cpu")
    data = run.data()
    scores = found.predict(data.test.images()).pred_score
    labels = torch.as_tensor(data.test.labels)
    assert scores[labels].min() > scores[~labels].max()
    again = run.detector("cpu").predict(data.test.images())
    assert torch.equal(again.pred_score, scores)
    assert again.pred_label is not None


def test_a_resumed_fit_goes_on_to_the_same_weights(config, tmp_path):
    changes = {"training.steps": 4, "training.checkpoint_every": 2} | ROBUST[config.method]
    config = config.updated(changes)
    whole, broken = (start_run(tmp_path / n, config) for n in ("whole", "broken"))
    whole.fit("cpu")
    fit_until(broken, 3)
    broken.fit("cpu")
    read = [(r.path / "model.safetensors").read_bytes() for r in (whole, broken)]
    assert read[0] == read[1]
    warmed = (whole.path / "training/warm-up/train.jsonl").is_file()
    assert warmed == (config.method == "draem")
