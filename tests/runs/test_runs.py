import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from hardsight.config import ConfigError, DataConfig, load_data, load_preset
from hardsight.data import Decoding, read_ahead, read_image
from hardsight.runs import RunError, open_run, start_run


def test_a_folder_without_a_run_says_how_to_make_one(tmp_path):
    with pytest.raises(RunError, match="hardsight fit"):
        open_run(tmp_path)


def test_an_export_that_is_not_there_says_how_to_make_it(tmp_path):
    start_run(tmp_path / "r", load_preset("demo"))
    with pytest.raises(RunError, match=f"make it with: hardsight export {tmp_path / 'r'}$"):
        open_run(tmp_path / "r/exported")


def test_an_unfinished_run_says_how_to_go_on(tmp_path):
    run = start_run(tmp_path / "r", load_preset("demo"))
    with pytest.raises(RunError, match="--resume"):
        run.detector()


@pytest.mark.parametrize("key", ["data.path", "data.normal_dir"])
def test_images_that_lie_elsewhere_now_are_those_of_no_other_run(tmp_path, key):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    config = load_preset("demo").updated({key: str(old)})
    start_run(tmp_path / "r", config)
    (tmp_path / "r/training").mkdir()
    moved = config.updated({key: str(new)})
    with pytest.raises(RunError, match=f"{key} is '{old}' there, not '{new}'"):
        start_run(tmp_path / "r", moved, resume=True)
    old.rename(new)
    assert start_run(tmp_path / "r", moved, resume=True).config == moved


def test_other_settings_do_not_resume(tmp_path):
    config = load_preset("demo")
    start_run(tmp_path / "r", config)
    (tmp_path / "r/training").mkdir()
    assert start_run(tmp_path / "r", config, resume=True).config == config
    with pytest.raises(RunError, match="--resume"):
        start_run(tmp_path / "r", config)
    with pytest.raises(RunError, match=r"training\.steps is 250 there, not 3"):
        start_run(tmp_path / "r", config.updated({"training.steps": 3}), resume=True)


def test_a_refused_run_is_tried_again_in_its_folder(parts, tiny_preset, tmp_path):
    """Nothing was made yet, so nothing forbids other settings and other images."""
    here = shutil.copytree(parts, tmp_path / "parts")
    changes = {"data.path": str(here), "selection": None}
    config = load_preset(str(tiny_preset)).updated(changes)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        start_run(tmp_path / "r", config.updated({"data.path": "nowhere"})).fit("cpu")
    with pytest.raises(ValueError, match="999"):  # after the images were read and recorded
        start_run(tmp_path / "r", config.updated({"false_alarms": 0.001})).fit("cpu")
    assert (tmp_path / "r/manifest.json").is_file()
    next((here / "train/good").iterdir()).unlink()
    start_run(tmp_path / "r", config).fit("cpu")
    with pytest.raises(RunError, match="--resume"):
        start_run(tmp_path / "r", config)


def test_papers_k_by_category(parts, tiny_preset, tmp_path):
    """A preset that names a k for a category uses it for that category."""
    config = load_preset(str(tiny_preset)).updated(
        {"data.path": str(parts), "k_by_category": {"parts": 7, "screw": 9}, "selection": None}
    )
    detector = start_run(tmp_path / "r", config).fit("cpu")
    assert detector.scoring.k == 7
    assert open_run(tmp_path / "r").detector("cpu").scoring.k == 7
    assert repr(open_run(tmp_path / "r")) == f"DetectorRun({str(tmp_path / 'r')!r})"
    assert not (tmp_path / "r/selection.json").exists()


def test_same_seed_same_weights_other_seed_other(parts, tiny_preset, tmp_path):
    weights = []
    for i, seed in enumerate((0, 0, 1)):
        torch.manual_seed(i)  # the global generator must not matter
        changes = {"data.path": str(parts), "training.seed": seed, "selection": None}
        config = load_preset(str(tiny_preset)).updated(changes)
        start_run(tmp_path / str(i), config).fit("cpu")
        weights.append((tmp_path / str(i) / "model.safetensors").read_bytes())
    assert weights[0] == weights[1] != weights[2]


def test_too_few_normals_for_the_false_alarms_asked(parts, tiny_preset, tmp_path):
    config = load_preset(str(tiny_preset)).updated({"data.path": str(parts), "false_alarms": 0.001})
    with pytest.raises(ValueError, match="999"):
        start_run(tmp_path / "r", config).fit("cpu")
    assert not (tmp_path / "r/training").exists()  # said before the training, not after


def test_data_must_be_named():
    with pytest.raises(ConfigError, match=r"data\.path or data\.normal_dir"):
        load_data(DataConfig(), 16)


def test_folders_of_normal_and_abnormal_images(parts):
    place = DataConfig(
        normal_dir=str(parts / "train/good"),
        abnormal_dir=str(parts / "test/spot"),
        mask_dir=str(parts / "ground_truth/spot"),
    )
    data = load_data(place, 16)
    assert int(data.test.labels.sum()) == 4
    assert data.test.masks() is not None


def test_another_data_set_may_have_fewer_training_images_than_the_run_was_limited_to(
    parts, tmp_path
):
    settings = {"data.path": str(parts), "data.limit_train": 10}
    run = start_run(tmp_path / "r", load_preset("advrad").updated(settings))
    other = shutil.copytree(parts, tmp_path / "other")
    assert len(run.data(other).train) == 10
    for path in sorted((other / "train/good").iterdir())[6:]:
        path.unlink()
    assert len(run.data(other).train) == 5
    run.config = run.config.updated({"data.path": str(other)})
    with pytest.raises(ConfigError, match="other has 5 training images beside the 1 held out"):
        run.data()


def test_a_category_below_a_folder(parts):
    data = load_data(DataConfig(path=str(parts.parent), category="parts"), 16)
    assert (data.name, len(data.test)) == ("parts", 8)


def write_parts(top, images):
    """Write normal images (N, H, W) as the data set ``parts``; return the path of the last."""
    for i, pixels in enumerate(images):
        path = top / f"parts/train/good/{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def twelve_bits(tiny_preset, tmp_path):
    """A configuration, its images of 12 bits in files of 16."""
    rng = np.random.default_rng(0)
    write_parts(tmp_path, rng.integers(1500, 2100, (24, 16, 16), dtype=np.uint16))
    changes = {"data.path": str(tmp_path / "parts"), "selection": None}
    return load_preset(str(tiny_preset)).updated(changes)


class Listener:
    """Hears of what stages a fit will consist, and of none that begins once images are decoded."""

    def plan(self, work, stages):
        self.heard = work, dict(stages)

    def __call__(self, stage, done, total, info=""):
        assert stage == "decode", f"{stage} began"


def test_unused_depth_of_grey_and_the_stages_are_told_before_the_training(
    twelve_bits, tmp_path, caplog
):
    config, listener = twelve_bits.updated({"false_alarms": 0.001}), Listener()
    with pytest.raises(ValueError, match="999"):
        start_run(tmp_path / "r", config).fit("cpu", progress=listener)
    work, stages = listener.heard
    assert (work, stages["train"]) == ("fit", config.training.steps)
    assert list(stages) == ["train", "reference", "calibration"]
    assert "24 grey images of 16 bits a pixel without a value above" in caplog.text
    assert "--set data.bits=12" in caplog.text


def test_the_depth_of_grey_goes_with_the_threshold(twelve_bits, tmp_path, caplog):
    """12 bits in 16 are read alike in training and by whoever decides afterwards."""
    start_run(tmp_path / "r", twelve_bits.updated({"data.bits": 12})).fit("cpu")
    assert "grey images" not in caplog.text
    path = min((tmp_path / "parts").rglob("*.png"))
    detector = open_run(tmp_path / "r").detector("cpu")
    assert detector.decoding.bits == 12
    stretched = read_image(path, 16, bits=12)
    (frame,) = read_ahead([path], detector.decoding, 1)
    assert torch.equal(frame.image, stretched)
    score = detector.predict(path).pred_score
    assert torch.equal(score, detector.predict(stretched[None]).pred_score)
    assert not torch.equal(score, detector.predict(read_image(path, 16)[None]).pred_score)


def test_the_shape_of_images_goes_with_the_threshold(tiny_preset, tmp_path):
    """Images that are no squares are read alike in training and by whoever decides afterwards."""
    rng = np.random.default_rng(0)
    path = write_parts(tmp_path, rng.integers(0, 256, (12, 10, 30), dtype=np.uint8))
    changes = {"data.path": str(tmp_path / "parts"), "data.aspect": "keep", "selection": None}
    start_run(tmp_path / "r", load_preset(str(tiny_preset)).updated(changes)).fit("cpu")
    detector = open_run(tmp_path / "r").detector("cpu")
    assert detector.decoding == Decoding(detector.size, aspect="keep")
    kept = read_image(path, detector.size, aspect="keep")
    score = detector.predict(path).pred_score
    assert torch.equal(score, detector.predict(kept[None]).pred_score)
    assert not torch.equal(score, detector.predict(read_image(path, 16)[None]).pred_score)


def test_a_run_that_is_fitted_again_is_finished_when_all_is_written(parts, tiny_preset, tmp_path):
    changes = {"data.path": str(parts), "selection": None}
    run = start_run(tmp_path / "r", load_preset(str(tiny_preset)).updated(changes))
    run.fit("cpu")
    (run.path / "calibration.json").unlink()
    (run.path / "calibration.json").mkdir()  # as if it could not be written
    with pytest.raises(OSError, match="directory"):
        run.fit("cpu")
    assert not run.finished
    (run.path / "calibration.json").rmdir()
    run.fit("cpu")
    assert run.finished
