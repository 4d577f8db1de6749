import sys

import pytest
import torch
import torch.nn.functional as F
from tiny_banks import (
    RANDOM,
    SIZE,
    TINY,
    attacked_auroc,
    clean_auroc,
    images,
    saved_and_loaded,
    write_stripes,
)

from hardsight.backbones import patch_features
from hardsight.config import load_preset
from hardsight.data import load
from hardsight.detectors import demand_gradient
from hardsight.detectors.fitted import Work
from hardsight.detectors.memory_bank.patchcore import PatchCore
from hardsight.detectors.memory_bank.patchcore_fitting import CoresetFit
from hardsight.export.graph import write_onnx

FIT = CoresetFit(candidates=150, projection=8)


@pytest.fixture(scope="module")
def detector(stripes):
    return PatchCore(**TINY, bank=60).fit(stripes, FIT)


def test_the_bank_holds_patches_of_the_training_images(detector, stripes):
    patches = detector.embed(detector.prepare(stripes.train.images())).flatten(0, 1)
    assert len(detector.bank) == 60
    apart = detector.bank.distances(patches, detector.bank.nearest(patches))
    assert (apart < 1e-4).sum() >= 60


@pytest.mark.parametrize("score", ["patch", "map"])
def test_score_and_map_are_their_definitions(detector, score):
    """Distances to the nearest vectors, enlarged; the largest, reweighted by equation 7."""
    other = PatchCore(**TINY, bank=60, score=score, sigma=0.0).eval()
    other.load_state_dict(detector.state_dict())
    x, bank = images(), detector.bank.vectors
    levels = other.backbone(x)
    patches = patch_features(levels, SIZE // 8).flatten(2).transpose(1, 2)
    distances = torch.stack([torch.cdist(p, bank).amin(1) for p in patches])
    grid = distances.view(3, 1, 4, 4)
    maps = F.interpolate(grid, (SIZE, SIZE), mode="bilinear", align_corners=False)
    found = other(x)
    torch.testing.assert_close(found.anomaly_map, maps, rtol=1e-4, atol=1e-4)
    for i in range(3):
        farthest = patches[i, int(distances[i].argmax())]
        apart = (bank - farthest).norm(dim=1)
        around = (bank - bank[apart.argmin()]).norm(dim=1).argsort()[:9]
        weight = 1 - apart.min().exp() / apart[around].exp().sum()
        peak = maps[i].max() if score == "map" else distances[i].max()
        torch.testing.assert_close(found.pred_score[i], weight * peak, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("score", ["patch", "map"])
def test_the_gradient_of_the_score_is_exact(detector, score):
    other = PatchCore(**TINY, bank=60, score=score).eval()
    other.load_state_dict(detector.state_dict())
    assert demand_gradient(other, images(2), torch.Generator().manual_seed(0)).exact


def test_an_image_in_the_bank_has_a_finite_gradient(stripes):
    whole = PatchCore(**TINY, bank=10_000).fit(stripes, CoresetFit())
    x = whole.prepare(stripes.train.images()[:2]).requires_grad_()
    found = whole(x)
    assert found.anomaly_map.max() < 0.05
    found.anomaly_map.sum().backward()
    assert x.grad.isfinite().all()


def test_it_tells_defects_and_an_attack_takes_that_away(detector, stripes):
    assert clean_auroc(detector, stripes) > 0.95
    assert attacked_auroc(detector, stripes, 2 / 255) < clean_auroc(detector, stripes) - 0.2


def test_a_run_is_saved_and_loaded_bit_for_bit(tmp_path, stripes):
    values = {"detector": TINY | {"bank": 10_000}, "candidates": 120, "training.seed": 3}
    fitted, again = saved_and_loaded("patchcore", values, stripes, tmp_path / "run")
    assert again.settings["bank"] == len(again.bank) == 120  # as many as there were
    other, _ = saved_and_loaded("patchcore", values, stripes, tmp_path / "other")
    assert torch.equal(other.bank.vectors, fitted.bank.vectors)


def test_the_preset_shows_the_defaults():
    config = load_preset("patchcore")
    made, plain = PatchCore(**config.arguments), PatchCore()
    shown = {**config.arguments, "backbone": None}
    assert shown == {**plain.settings, "backbone": None}
    assert made.backbone.taps == plain.backbone.taps == (1, 2, 3)
    assert config.fit == CoresetFit()


def test_without_faiss_a_fit_that_asks_for_it_does_not_begin(stripes, monkeypatch):
    told = []
    monkeypatch.setitem(sys.modules, "faiss", None)
    work = Work(progress=lambda *now: told.append(now))
    with pytest.raises(ImportError, match=r"search='faiss' needs faiss"):
        PatchCore(**TINY, bank=60, search="faiss").fit(stripes, FIT, work)
    assert told == []


def test_one_training_image_is_refused(tmp_path):
    write_stripes(tmp_path, train=2, test=1)
    with pytest.raises(ValueError, match=r"1 training images beside .* needs at least 2"):
        PatchCore(**TINY).fit(load(tmp_path, size=SIZE), CoresetFit())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"score": "mean"}, 'score must be "map" or "patch"'),
        ({"stride": 7}, "stride must divide image_size=32, got 7"),
        ({"bank": 0}, "bank must hold at least 1 vector, got 0"),
        ({"neighbours": 0}, "neighbours must be at least 1, got 0"),
        ({"backbone": RANDOM | {"name": "no_such"}}, "no_such"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        PatchCore(**TINY | settings)


def test_an_exported_graph_scores_alike(detector, tmp_path):
    needed = [
        pytest.importorskip(name, reason="needs the extra: pip install 'hardsight[onnx]'")
        for name in ("onnx", "onnxscript", "onnxruntime")
    ]
    write_onnx(detector, tmp_path / "model.onnx")
    session = needed[-1].InferenceSession(tmp_path / "model.onnx")
    for n in (1, 4):
        x = images(n)
        found = session.run(None, {"images": x.numpy()})
        for mine, graph in zip(detector(x)[:2], found, strict=True):
            torch.testing.assert_close(mine, torch.from_numpy(graph), rtol=1e-3, atol=1e-3)
