"""A data set of a few small pictures."""

from pathlib import Path

import numpy as np
from PIL import Image


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
