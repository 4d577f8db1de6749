from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TINY_PRESET = """
description: A detector of 16 x 16 pixels that trains in a second, for tests.
detector:
  denoiser: {name: fast, channels: 8, multipliers: [1, 1], patch: 2}
  image_size: 16
  filter_size: 3
  precision: fp32
training: {steps: 6, checkpoint_every: 2, log_every: 2, precision: 32-true, accelerator: cpu}
selection:
  ks: [100]
  filter_sizes: [1, 3]
  aggregations: [max, mean]
  images: 3
  steps: 1
  shortlist: 1
"""


def write_parts(root: Path, seed: int = 0) -> Path:
    """A small set in MVTec layout: noisy grey squares, the anomalous ones with a white spot."""
    rng = np.random.default_rng(seed)

    def save(path: Path, spot: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(90, 130, (16, 16, 3), dtype=np.uint8)
        if spot:
            pixels[4:9, 4:9] = 255
        Image.fromarray(pixels).save(path)

    for i in range(24):
        save(root / f"train/good/{i:03}.png", spot=False)
    for i in range(4):
        save(root / f"test/good/{i:03}.png", spot=False)
        save(root / f"test/spot/{i:03}.png", spot=True)
        mask = np.zeros((16, 16), np.uint8)
        mask[4:9, 4:9] = 255
        (root / "ground_truth/spot").mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(root / f"ground_truth/spot/{i:03}_mask.png")
    return root


@pytest.fixture(scope="session")
def parts(tmp_path_factory):
    return write_parts(tmp_path_factory.mktemp("data") / "parts")


@pytest.fixture(scope="session")
def tiny_preset(tmp_path_factory):
    path = tmp_path_factory.mktemp("preset") / "tiny.yaml"
    path.write_text(TINY_PRESET, encoding="utf-8")
    return path
