"""Memory banks in random features, small enough for tests, and sets of images for them."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor

from hardsight.attacks import PGD, Linf, ScoreObjective, frozen
from hardsight.config import load_preset
from hardsight.data import AnomalyData, load
from hardsight.detectors import Detector
from hardsight.metrics import auroc
from hardsight.runs import open_run, start_run

SIZE, BRIGHTER = 32, 40
RANDOM = {"name": "test_efficientnet", "weights": "random", "precision": "fp32"}
TINY = {"backbone": RANDOM, "image_size": SIZE, "stride": 8}


def images(n: int = 3, seed: int = 5) -> Tensor:
    return 0.2 + 0.6 * torch.rand(n, 3, SIZE, SIZE, generator=Generator().manual_seed(seed))


def write_stripes(root: Path, train: int = 12, test: int = 8) -> AnomalyData:
    """Striped images in the layout of MVTec AD; an anomalous one has a brighter square."""
    drawn = np.random.default_rng(0)

    def save(path: Path, defective: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = 100 + 40 * np.sin(np.arange(SIZE) + drawn.uniform(-0.3, 0.3))
        pixels = columns + drawn.normal(0, 3, (SIZE, SIZE))
        if defective:
            y, x = drawn.integers(4, SIZE - 14, 2)
            pixels[y : y + 10, x : x + 10] += BRIGHTER
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)

    for i in range(train):
        save(root / f"train/good/{i:03}.png", False)
    for i in range(test):
        save(root / f"test/good/{i:03}.png", False)
        save(root / f"test/square/{i:03}.png", True)
    return load(root, size=SIZE)


def attacked_auroc(detector: Detector, data: AnomalyData, eps: float) -> float:
    """Image AUROC under PGD on the score."""
    x, labels = detector.prepare(data.test.images()), torch.as_tensor(data.test.labels)
    with frozen(detector):
        objective = ScoreObjective(detector, labels)
        x = PGD(Linf(eps), steps=10)(objective, x, Generator().manual_seed(0)).images
    return auroc(detector.predict(x).pred_score.numpy(), data.test.labels)


def clean_auroc(detector: Detector, data: AnomalyData) -> float:
    return auroc(detector.predict(data.test.images()).pred_score.numpy(), data.test.labels)


def saved_and_loaded(
    preset: str, values: dict, data: AnomalyData, place: Path
) -> tuple[Detector, Detector]:
    """A detector that a run fitted and saved, and the one loaded from it, which scores the same."""
    config = load_preset(preset).updated({"data.path": str(data.root)} | values)
    fitted = start_run(place, config).fit("cpu")
    again = open_run(place).detector("cpu")
    mine, theirs = fitted(images()), again(images())
    assert torch.equal(mine.pred_score, theirs.pred_score)
    assert torch.equal(mine.anomaly_map, theirs.anomaly_map)
    return fitted, again
