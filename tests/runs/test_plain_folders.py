"""Runs whose folders of images are named one by one, and not as a data set."""

import pytest

from hardsight.config import DataConfig, load_preset
from hardsight.core.run_folders import RunError
from hardsight.runs import SCORE, drift_references, open_run, start_run
from hardsight.runs.bundles.writing import write_bundle
from tiny_parts import write_parts


@pytest.fixture(scope="module")
def plain(parts, tiny_preset, tmp_path_factory):
    """The run of a folder of good parts alone."""
    settings = {"data.normal_dir": str(parts / "train/good"), "selection": None}
    config = load_preset(str(tiny_preset)).updated(settings)
    found = start_run(tmp_path_factory.mktemp("runs") / "r", config)
    found.fit("cpu")
    return found


def test_its_card_says_where_the_images_come_from(plain, parts):
    assert f"- From {parts / 'train/good'}." in plain.card().splitlines()


def test_another_data_set_is_what_is_measured(plain, tmp_path):
    other = write_parts(tmp_path / "other")
    _, data = plain.tested("cpu", other)
    samples = (*data.train.samples, *data.validation.samples, *data.test.samples)
    assert all(sample.path.is_relative_to(other) for sample in samples)
    assert (len(data.test), int(data.test.labels.sum())) == (8, 4)


def test_its_bundle_has_reference_images(plain, tmp_path):
    manifest = write_bundle(plain, tmp_path / "a.hsb")
    assert [one.file for one in manifest.references] == [
        f"references/normal-{i:02}.png" for i in range(4)
    ]


def test_what_its_good_parts_look_like_is_made_anew(plain):
    (plain.path / "statistics.json").unlink()
    assert drift_references(plain).keys() > {SCORE}


def test_a_folder_that_is_gone_is_named(plain):
    gone = open_run(plain.path)
    gone.config = gone.config.updated({"data.normal_dir": "/nowhere"})
    with pytest.raises(RunError, match=r"the data set of .*, /nowhere, is not there any more"):
        gone.opened("cpu")


def test_folders_below_a_data_set_are_those_of_the_other():
    place = DataConfig(path="old", normal_dir="good", abnormal_dir="bad", mask_dir="masks")
    assert place.at("new") == place.model_copy(update={"path": "new"})
