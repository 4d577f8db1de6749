"""What was trained in one precision scores in the other."""

import pytest
import torch
from tiny_detector import TINY, tiny_bastion

from hardsight import AdvRAD, PatchGuard, Settings, load
from hardsight.detectors.advrad.recipe import AdvRADFit
from hardsight.detectors.advrad.scoring import Scoring
from hardsight.metrics import auroc

OTHER = {"bf16": "fp32", "fp32": "bf16"}
TRAINING = {"bf16": "bf16-mixed", "fp32": "32-true"}


def pictures(n, spots, seed):
    """Noisy grey squares (n, 3, 16, 16) as ``write_parts`` writes them, with or without a spot."""
    g = torch.Generator().manual_seed(seed)
    x = torch.randint(90, 130, (n, 3, 16, 16), generator=g) / 255
    if spots:
        x[:, :, 5:9, 5:9] += 0.13 + 0.3 * torch.rand(n, 1, 1, 1, generator=g)
    return x


@pytest.fixture(scope="module", params=["bf16", "fp32"])
def trained(request, parts, tmp_path_factory):
    """Where a detector was saved that was trained, and calibrated, in a precision."""
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    scoring = Scoring(filter_size=3, aggregation="top:0.05")
    detector = AdvRAD(TINY, 16, scoring, precision=name, fixed_noise=True)
    settings = Settings(steps=60, precision=TRAINING[name], accelerator="cpu", sample_every=None)
    fitted = detector.fit(load(parts, size=16), AdvRADFit(training=settings))
    fitted.calibrate(pictures(200, False, 1), 0.1).save_pretrained(folder)
    return name, folder


def test_scores_and_threshold_hold_in_the_other_precision(trained):
    name, folder = trained
    normal, marked = pictures(400, False, 2), pictures(400, True, 3)
    labels = torch.arange(800) >= 400
    figures, alarms = [], []
    for precision in (name, OTHER[name]):
        detector = AdvRAD.from_pretrained(folder, precision=precision)
        found = detector.predict(torch.cat([normal, marked]), batch_size=100)
        figures.append(auroc(found.pred_score.double().numpy(), labels.numpy()))
        alarms.append(float(found.pred_label[:400].float().mean()))
    assert 0.9 < figures[0] < 0.9999  # neither blind nor certain, where nothing could differ
    assert figures[1] == pytest.approx(figures[0], abs=5e-4)
    assert alarms[1] == pytest.approx(alarms[0], abs=0.005)
    assert max(alarms) < 0.1 + 3 * (0.1 * 0.9 * (1 / 200 + 1 / 400)) ** 0.5


def test_auto_is_one_of_the_two():
    x = pictures(2, True, 0)
    for make in (
        lambda precision: tiny_bastion(precision=precision, fixed_noise=True),
        lambda precision: PatchGuard(image_size=28, k=2, precision=precision).eval(),
    ):
        images = torch.nn.functional.interpolate(x, make("auto").size)
        maps = {p: make(p)(images).anomaly_map for p in ("auto", "bf16", "fp32")}
        assert not torch.equal(maps["bf16"], maps["fp32"])
        assert any(torch.equal(maps["auto"], maps[p]) for p in OTHER)
