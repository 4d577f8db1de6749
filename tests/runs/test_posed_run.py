import pytest
import torch
from PIL import Image

from bolts import PLACES, drawn
from hardsight.config import ConfigError, load_preset
from hardsight.detectors import PaDiM, Posed
from hardsight.runs import open_run, start_run

RANDOM = {"name": "test_efficientnet", "weights": "random", "precision": "fp32"}


@pytest.fixture(scope="module")
def bolts(tmp_path_factory):
    """Bolts in every direction, in the layout of MVTec AD."""
    root = tmp_path_factory.mktemp("bolts")
    for i in range(24):
        for part in ("train/good", "test/good"):
            place = root / part / f"{i:02}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            pixels = drawn(1.7 * i, PLACES[i % 4], size=32)[0] * 255
            Image.fromarray(pixels.byte().permute(1, 2, 0).numpy()).save(place)
    return root


def test_a_run_fits_in_one_pose_and_scores_in_any(bolts, tmp_path):
    config = load_preset("padim").updated(
        {
            "data.path": str(bolts),
            "detector.backbone": RANDOM,
            "detector.image_size": 32,
            "detector.channels": 4,
            "detector.pose": "moments",
        }
    )
    fitted = start_run(tmp_path / "r", config).fit("cpu")
    again = open_run(tmp_path / "r").detector("cpu")
    images = open_run(tmp_path / "r").data().validation.images()
    assert isinstance(again, Posed)
    assert isinstance(again.detector, PaDiM)
    assert again.calibration == fitted.calibration
    scores = again.predict(images).pred_score
    assert torch.equal(scores, fitted.predict(images).pred_score)
    torch.testing.assert_close(
        scores.double().sort().values, torch.tensor(again.calibration.normal_scores).double()
    )


def test_another_pose_is_refused():
    with pytest.raises(ConfigError, match=r"detector\.pose='icp'"):
        load_preset("padim").updated({"detector.pose": "icp"})
