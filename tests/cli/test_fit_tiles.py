"""Pictures larger than a tile, from fit to certificate, on the command line."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image
from typed import call, words

from hardsight.data import read_image
from hardsight.detectors import Tiling
from hardsight.runs import open_run

PRESET = """
description: A detector of 64 x 64 pixels that trains in seconds, for tests of tiles.
method: bastion
detector:
  denoiser: {name: fast, channels: 8, multipliers: [1, 1, 1], patch: 4}
  head: {channels: 8, multipliers: [1, 1], patch: 4}
  image_size: 64
  filter_size: 3
  precision: fp32
training: {steps: 4, batch_size: 2, log_every: 2, precision: 32-true, accelerator: cpu}
adversarial_training: {steps: 1}
map_head_training: {steps: 1, warm_up: 1}
selection:
  ks: [100]
  averages: [error]
  filter_sizes: [3]
  aggregations: [max, "top:0.01"]
  images: 2
  copies: 1
  steps: 1
  shortlist: 1
"""


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """128 x 128 pixels: a bright disc on dark ground, a dark spot on it where it is broken."""
    root, rng = tmp_path_factory.mktemp("data") / "big", np.random.default_rng(0)
    y, x = np.mgrid[:128, :128]
    disc = ((y - 64) ** 2 + (x - 64) ** 2 < 50**2)[..., None]

    def save(place: str, spot: bool) -> None:
        pixels = np.where(disc, 190, 40) + rng.integers(-15, 16, (128, 128, 3))
        if spot:
            pixels[90:100, 60:70] = 0
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)

    for i in range(20):
        save(f"train/good/{i:03}.png", spot=False)
    for i in range(2):
        save(f"test/good/{i:03}.png", spot=False)
        save(f"test/spot/{i:03}.png", spot=True)
    return root


@pytest.fixture(scope="module")
def run(big, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    preset = folder / "tiles.yaml"
    preset.write_text(PRESET, encoding="utf-8")
    settings = ("tile=64", "overlap=0.5", "two_scales=true")
    arguments = ("--size", 128, *(a for s in settings for a in ("--set", f"detector.{s}")))
    done = call("fit", preset, "--data", big, "--run", folder / "run", *arguments)
    assert done.exit_code == 0, words(done)
    return folder / "run"


def test_the_run_is_of_pictures_and_its_denoiser_of_tiles(run):
    detector = open_run(run).detector("cpu")
    assert (detector.image_size, detector.tiling) == (128, Tiling(64, 0.5, two_scales=True))
    assert len(detector.tiles) == 9
    assert detector.denoiser.config["size"] == 64
    mean = detector.statistics.mean
    assert mean.shape == (1, 1, 128, 128)
    # each place of the part has its own reference: the disc's edge is harder than the ground
    centre, corner = mean[0, 0, 54:74, 54:74], mean[0, 0, :20, :20]
    assert float(centre.mean()) != pytest.approx(float(corner.mean()), rel=0.05)


def test_scores_are_those_of_the_pictures_in_full(run, big, tmp_path):
    done = call("score", run, big / "test", "-o", tmp_path / "s.csv", "--batch-size", 2)
    assert done.exit_code == 0, words(done)
    rows = list(csv.DictReader((tmp_path / "s.csv").open()))
    detector = open_run(run).detector("cpu")
    images = torch.stack([read_image(row["path"]) for row in rows])
    assert images.shape == (4, 3, 128, 128)
    expected = detector.decide(images).pred_score
    assert [float(r["score"]) for r in rows] == pytest.approx(expected.tolist(), rel=1e-6)


def test_the_other_commands_take_the_run_as_it_is(run):
    terms = ("--steps", 1, "--curve", "", "--gallery", 1, "--fresh-draws", 1, "--attack", "pgd")
    done = call("evaluate", run, *terms)
    assert done.exit_code == 0, words(done)
    report = json.loads((run / "evaluation/report.json").read_text())
    assert {r["attack"] for r in report["rows"]} == {"clean", "pgd"}
    done = call("certify", run, "--n", 8, "--alpha", 0.05, "--radii", "0.05", "--pixels", 0)
    assert done.exit_code == 0, words(done)
    assert (run / "certificate/certificate.json").is_file()


def test_a_tile_larger_than_the_pictures_is_refused(big, tmp_path):
    done = call("fit", "--data", big, "--run", tmp_path / "r", "--set", "detector.tile=512")
    assert done.exit_code == 1
    assert "take smaller tiles" in words(done)
