"""Labelled images small enough to train on in a second, as the files MNIST comes in."""

from pathlib import Path

import numpy as np

TINY = {
    "classifier": """
description: A classifier of 8 x 8 blobs that trains in a second, for tests.
method: classifier
classifier: {network: {name: mnist-cnn}}
training: {steps: 60, batch_size: 32, lr: 2.0e-3, ema_decay: 0.9, precision: 32-true,
  accelerator: cpu, checkpoint_every: 20}
""",
    "rap": """
description: RAP in front of it.
method: rap
classifier:
  network: {name: mnist-cnn}
  training: {steps: 30, batch_size: 32, lr: 2.0e-3, ema_decay: 0.9, precision: 32-true,
    accelerator: cpu}
adapter: {channels: 8, multipliers: [1], length: 3}
rap: {eps: 0.1, start: 0.02}
training: {steps: 4, batch_size: 8, precision: 32-true, accelerator: cpu, checkpoint_every: 1,
  sample_every: 2}
""",
    "ddim": """
description: DDIM in front of it.
method: ddim
classifier:
  network: {name: mnist-cnn}
  training: {steps: 60, batch_size: 32, lr: 2.0e-3, ema_decay: 0.9, precision: 32-true,
    accelerator: cpu}
denoiser: {name: fast, channels: 8, multipliers: [1, 1]}
purifier: {depth: 20}
training: {steps: 4, batch_size: 8, precision: 32-true, accelerator: cpu, sample_every: 2}
""",
    "one-shot": """
description: One denoising step in front of it.
method: one-shot
denoiser: {name: fast, channels: 8, multipliers: [1, 1]}
purifier: {sigma: 0.25}
training: {steps: 200, batch_size: 32, precision: 32-true, accelerator: cpu}
""",
}


def write_digits(root: Path, seed: int = 0) -> Path:
    """Write ten classes of 8 x 8 images, a bright square at a place of its own each, as IDX."""
    rng = np.random.default_rng(seed)
    root.mkdir(parents=True, exist_ok=True)
    for stem, n in (("train", 400), ("t10k", 40)):
        labels = (np.arange(n) % 10).astype(np.uint8)
        pixels = rng.integers(0, 60, (n, 8, 8), dtype=np.uint8)
        for image, label in zip(pixels, labels, strict=True):
            row, column = 2 * (label // 4), 2 * (label % 4)
            image[row : row + 2, column : column + 2] = 230
        shape = np.array(pixels.shape, ">u4").tobytes()
        images = b"\0\0\x08\x03" + shape + pixels.tobytes()
        (root / f"{stem}-images-idx3-ubyte").write_bytes(images)
        count = np.array([n], ">u4").tobytes()
        (root / f"{stem}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + count + labels.tobytes())
    return root


def write_preset(folder: Path, name: str) -> Path:
    """Write one of ``TINY`` as a preset."""
    path = folder / f"{name}.yaml"
    path.write_text(TINY[name], encoding="utf-8")
    return path
