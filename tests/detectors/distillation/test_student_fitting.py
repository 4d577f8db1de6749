"""Fits of students: an obvious defect, a run gone on with, and refusals."""

from dataclasses import replace

import pytest
import torch
from stopping import fit_until
from tiny_students import BACKBONE, STUDENTS

from hardsight.config import Config
from hardsight.data import load
from hardsight.metrics import auroc
from hardsight.runs import start_run

METHODS = pytest.mark.parametrize("method", STUDENTS)
TRAINING = {
    "steps": 32, "batch_size": 4, "lr": 1e-2, "ema_decay": 0.5, "checkpoint_every": 2,
    "precision": "32-true", "accelerator": "cpu", "sample_every": None,
}  # fmt: skip


def config(method: str, parts, **training) -> Config:
    detector = {"backbone": BACKBONE, "image_size": 16, "precision": "fp32"}
    values = {
        "method": method, "detector": detector, "training": TRAINING | training,
        "data": {"path": str(parts)}, "augment": "none",
    }  # fmt: skip
    return Config.parse(values, "test")


@METHODS
def test_a_fit_tells_an_obvious_defect(method, parts, tmp_path):
    run = start_run(tmp_path / "run", config(method, parts))
    found, test = run.fit("cpu"), run.data().test
    detection = found.predict(test.images())
    assert auroc(detection.pred_score.double().numpy(), test.labels) == 1
    again = run.detector("cpu").predict(test.images())
    assert torch.equal(again.pred_score, detection.pred_score)


@METHODS
def test_a_resumed_run_goes_on_to_the_same_weights(method, parts, tmp_path):
    """Stopped after its fourth step, and gone on with."""
    settings = config(method, parts, steps=6)
    whole, broken = (start_run(tmp_path / name, settings) for name in ("whole", "broken"))
    whole.fit("cpu")
    fit_until(broken, 5)
    broken.fit("cpu")
    read = [(run.path / "model.safetensors").read_bytes() for run in (whole, broken)]
    assert read[0] == read[1]


@METHODS
def test_a_fit_leaves_its_detector_as_it_is(method, parts):
    data = load(parts, size=16)
    detector = STUDENTS[method](BACKBONE, 16, precision="fp32")
    before = {k: v.clone() for k, v in detector.state_dict().items()}
    found = detector.fit(data, config(method, parts, steps=2).fit)
    assert all(torch.equal(detector.state_dict()[k], v) for k, v in before.items())
    assert found.calibration is not None
    assert not found.training


@METHODS
def test_what_cannot_be_fitted_is_refused(method, parts, tmp_path):
    data = load(parts, size=16)
    detector, fit = STUDENTS[method](BACKBONE, 16), config(method, parts).fit
    alone = replace(data, train=data.train.of(data.train.samples[:1]))
    with pytest.raises(ValueError, match=r"1 training images beside .* needs at least 2"):
        detector.fit(alone, fit)
    with pytest.raises(ValueError, match="999"):
        detector.fit(data, fit.model_copy(update={"false_alarms": 0.001}))
    with pytest.raises(ValueError, match=r"shape \(B, 3, 16, 16\)"):
        detector.fit(load(parts, size=32), fit)
