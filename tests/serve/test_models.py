"""What is served under which name."""

import shutil
from dataclasses import replace

import pytest

from hardsight.core.run_folders import RunError
from hardsight.serve.log import InspectionLog
from hardsight.serve.models import ModelError, Models, Origin, UnknownModelError


@pytest.fixture
def log(tmp_path):
    with InspectionLog(tmp_path / "log.db") as found:
        yield found


def test_runs_are_served_side_by_side_under_their_folders_names(log, served_run, tmp_path):
    other = shutil.copytree(served_run, tmp_path / "lids")
    models = Models(log, [Origin(served_run), Origin(other)], "cpu")
    assert [model.name for model in models] == ["parts", "lids"]
    assert models.get("parts").hash == models.get("lids").hash
    with pytest.raises(UnknownModelError, match="served are: parts, lids"):
        models.get("caps")


def test_a_reload_takes_what_is_on_disk_now_and_what_was_taken_stays(log, served_run, tmp_path):
    run = shutil.copytree(served_run, tmp_path / "lids")
    models = Models(log, [Origin(run)], "cpu")
    before = models.get("lids")
    path = run / "calibration.json"
    calibrated = before.calibration
    replace(calibrated, threshold=calibrated.threshold + 1).write(path)
    models.load("lids")
    assert models.get("lids").calibration.threshold == calibrated.threshold + 1
    assert before.calibration == calibrated
    (run / "metrics.json").unlink()
    with pytest.raises(RunError, match="not finished"):
        models.load("lids")
    assert models.get("lids").calibration.threshold == calibrated.threshold + 1


def test_two_folders_of_one_name_are_refused(log, served_run, tmp_path):
    other = shutil.copytree(served_run, tmp_path / "parts")
    with pytest.raises(ModelError, match="two models are named parts"):
        Models(log, [Origin(served_run), Origin(other)], "cpu")


def test_a_name_that_fits_no_url_is_refused(log, served_run, tmp_path):
    other = shutil.copytree(served_run, tmp_path / "good parts")
    with pytest.raises(ModelError, match="rename the folder"):
        Models(log, [Origin(other)], "cpu")


def test_what_can_be_no_folder_is_refused(log, served_run, tmp_path):
    models = Models(log, [Origin(served_run)], "cpu")
    (tmp_path / "loop").symlink_to("loop")
    for run in (f"{tmp_path}/loop/run", "a\0b", "\ud800"):
        with pytest.raises(ModelError):
            models.load("parts", run)
    with pytest.raises(ModelError, match="beside='quick' stands beside a run; name that too"):
        models.load("parts", beside="quick")
