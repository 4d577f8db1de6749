import json
import re
import shutil
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from stopping import fit_until

from hardsight.config import load_preset
from hardsight.detectors import PatchGuard
from hardsight.detectors.patchguard import PatchTask
from hardsight.detectors.patchguard.choice import choose_checkpoint, measure_aurocs
from hardsight.detectors.patchguard.selection import Aurocs, CheckpointChoice
from hardsight.metrics import auroc, pixel_auroc
from hardsight.runs import start_run
from hardsight.training import checkpoint, train

TINY = """
description: A PatchGuard of 16 x 16 pixels that trains in a second, for tests.
method: patchguard
detector:
  backbone: {architecture: vit_tiny_patch16_224, patch_size: 4, embed_dim: 24, depth: 2,
    num_heads: 2}
  image_size: 16
  k: 3
  sigma: 1.0
  radius: 2
  precision: fp32
training: {steps: 6, batch_size: 2, checkpoint_every: 2, sample_every: 3, log_every: 2,
  precision: 32-true, accelerator: cpu, ema_decay: 0.5}
selection: {images: 2, steps: 1}
recipe: {adversary: {steps: 1}, foreground: all}
"""


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    path = tmp_path_factory.mktemp("preset") / "tiny-patchguard.yaml"
    path.write_text(TINY, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(parts, preset, tmp_path_factory):
    config = load_preset(str(preset)).updated({"data.path": str(parts)})
    found = start_run(tmp_path_factory.mktemp("runs") / "parts", config)
    found.fit("cpu")
    return found


def test_fit_leaves_a_whole_run_folder(run):
    for name in (
        "config.yaml", "model.safetensors", "config.json", "calibration.json", "selection.json",
        "training/train.jsonl", "training/samples/foreground.png", "training/samples/pseudo.png",
        "training/samples/step-00000003.png",
    ):  # fmt: skip
        assert (run.path / name).is_file(), name
    pixels = np.asarray(Image.open(run.path / "training/samples/pseudo.png"))
    assert pixels.shape == (4 * 96, 8 * 96, 3)
    assert pixels.std() > 1


def test_the_run_loads_as_what_was_fitted(run):
    detector = run.detector("cpu")
    assert isinstance(detector, PatchGuard)
    assert not detector.training
    x = run.data().test.images()
    found = detector.predict(x)
    assert found.pred_label is not None
    assert torch.equal(found.pred_score, detector.predict(x).pred_score)


def test_the_weights_are_those_of_the_best_candidate(run):
    report = json.loads((run.path / "selection.json").read_text())
    scores = [c["selection_score"] for c in report["candidates"]]
    assert scores == sorted(scores, reverse=True)
    assert {(c["step"], c["weights"]) for c in report["candidates"]} == {
        (step, weights) for step in (4, 6) for weights in ("average", "last")
    }
    best = report["candidates"][0]
    assert report["statement"] == run.remarks()[1]
    told = [f"{best[n]:.3f}" for n in ("image", "attacked_image", "pixel", "attacked_pixel")]
    assert re.findall(r"\d\.\d{3}", report["statement"]) == told
    held = checkpoint.load(run.path / f"training/checkpoints/step-{best['step']:08d}.safetensors")
    weights = held.part("ema" if best["weights"] == "average" else "model")
    mine = run.detector("cpu").network.state_dict()
    assert all(torch.equal(mine[k], v) for k, v in weights.items())


def test_figures_are_aurocs_of_the_evidence(run):
    detector = run.detector("cpu")
    settings = CheckpointChoice(images=3, copies=2, eps=0.0, steps=1)
    evidence = settings.evidence(run.data().validation.images(), 1)
    found = detector.predict(evidence.images)
    image = auroc(found.pred_score.double().numpy(), evidence.labels.numpy())
    pixel = pixel_auroc(found.anomaly_map.double().numpy(), evidence.masks.numpy())
    clean = measure_aurocs(detector, evidence, settings, 0)
    assert astuple(clean) == pytest.approx((image, pixel, image, pixel))  # a ball of no size
    wider = settings.model_copy(update={"eps": 0.1, "steps": 5})
    attacked = measure_aurocs(detector, evidence, wider, 0)
    assert (attacked.image, attacked.pixel) == (clean.image, clean.pixel)
    assert attacked.attacked_image < clean.image or clean.image == 0
    assert attacked.attacked_pixel < clean.pixel


def test_a_search_leaves_its_detector_as_it_is(run):
    detector = run.detector("cpu")
    other = PatchGuard(**detector.settings | {"seed": 7}).eval()
    before = {name: weights.clone() for name, weights in other.state_dict().items()}
    settings = CheckpointChoice(images=2, steps=1)
    evidence = settings.evidence(run.data().validation.images()[::2], 0)
    found, report = choose_checkpoint(
        other, run.path / "training/checkpoints", evidence, settings, 0
    )
    assert all(torch.equal(other.state_dict()[name], w) for name, w in before.items())
    chosen = detector.state_dict()
    assert all(torch.equal(found.state_dict()[name], w) for name, w in chosen.items())
    assert len(report.candidates) == 4


def test_a_damaged_checkpoint_is_no_candidate(run, tmp_path):
    folder = Path(shutil.copytree(run.path / "training/checkpoints", tmp_path / "checkpoints"))
    first = min(folder.iterdir())
    first.write_bytes(first.read_bytes()[:100])
    settings = CheckpointChoice(images=2, steps=1)
    evidence = settings.evidence(run.data().validation.images()[::2], 0)
    _, report = choose_checkpoint(run.detector("cpu"), folder, evidence, settings, 0)
    assert {candidate.step for candidate in report.candidates} == {6}


def test_a_robust_auroc_below_a_half_counts_as_a_half():
    aurocs = Aurocs(0.9, 0.7, 0.2, 0.6)
    assert aurocs.selection_score(0.0) == pytest.approx(0.8)
    assert aurocs.selection_score(1.0) == pytest.approx(0.55)


def test_same_seed_same_weights_other_seed_other(parts, preset, tmp_path):
    weights = []
    for i, seed in enumerate((0, 0, 1)):
        torch.manual_seed(i)  # the global generator must not matter
        state = torch.get_rng_state()
        changes = {"data.path": str(parts), "training.seed": seed, "selection": None}
        config = load_preset(str(preset)).updated(changes | {"training.steps": 2})
        start_run(tmp_path / str(i), config).fit("cpu")
        assert torch.equal(torch.get_rng_state(), state)  # and stays as it was
        weights.append((tmp_path / str(i) / "model.safetensors").read_bytes())
    assert weights[0] == weights[1] != weights[2]
    assert not (tmp_path / "0/selection.json").exists()


def test_a_resumed_run_goes_on_to_the_same_weights(parts, preset, tmp_path):
    """Stopped after its fourth step, and gone on with."""
    config = load_preset(str(preset)).updated({"data.path": str(parts)})
    whole, broken = (start_run(tmp_path / n, config) for n in ("whole", "broken"))
    whole.fit("cpu")
    fit_until(broken, 5)
    assert not broken.finished
    broken.fit("cpu")
    read = [(r.path / "model.safetensors").read_bytes() for r in (whole, broken)]
    assert read[0] == read[1]


def test_a_warm_up_is_a_clean_training_that_the_other_starts_from(parts, preset, tmp_path):
    base = load_preset(str(preset)).updated({"data.path": str(parts), "selection": None})
    alone = base.updated({"training.steps": 3, "recipe.adversary.kind": "none"})
    clean = start_run(tmp_path / "alone", alone).fit("cpu")
    config = base.updated({"training.steps": 2, "recipe.warm_up": 3})
    run = start_run(tmp_path / "both", config)
    found = run.fit("cpu").network.state_dict()
    normals = run.data().train.images()
    where = torch.ones_like(normals[:, :1], dtype=torch.bool)
    train(PatchTask(clean.network, normals, where, config.recipe), config.training, tmp_path / "x")
    assert all(torch.equal(found[k], v) for k, v in clean.network.state_dict().items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe.regulariser.layers": [9]}, "layer=9"),
        ({"recipe.regulariser.layers": ["discriminator"], "detector.backbone.discriminator": False},
         "switched off"),
        ({"detector.backbone": {"name": "unet", "levels": 2}, "detector.k": 1}, "no attention"),
        ({"recipe.foreground": "grad-cam", "recipe.foreground_weights": "nowhere.pt"}, "saliency"),
        ({"false_alarms": 0.001}, "999"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_the_training(parts, preset, tmp_path, changes, message):
    config = load_preset(str(preset)).updated({"data.path": str(parts)} | changes)
    with pytest.raises(ValueError, match=message):
        start_run(tmp_path / "r", config).fit("cpu")
    assert not (tmp_path / "r/training/train.jsonl").exists()


@pytest.mark.parametrize("backbone", [
    {"name": "unet", "channels": 4, "levels": 2},
    {"name": "resnet", "architecture": "resnet18", "cell": 4},
])  # fmt: skip
def test_convolutional_backbones_train_too(parts, preset, tmp_path, backbone):
    changes = {"detector.backbone": backbone, "recipe.regulariser.kind": "none", "detector.k": 1}
    config = load_preset(str(preset)).updated({"data.path": str(parts)} | changes)
    config = config.updated({"training.steps": 2})
    run = start_run(tmp_path / "r", config)
    scores = run.fit("cpu").predict(run.data().test.images()).pred_score
    assert scores.isfinite().all()
