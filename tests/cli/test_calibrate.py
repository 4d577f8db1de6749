"""``hardsight calibrate``: a new threshold, for other parts or under attack."""

import json

import pytest
from typed import call, words


def calibration(run, name="calibration.json"):
    return json.loads((run / name).read_text())


def test_under_attack_the_threshold_rises_and_the_one_before_is_kept(run):
    before = calibration(run)
    done = call("calibrate", run, "--under", "linf:8/255", "--suite", "pgd")
    assert done.exit_code == 0, words(done)
    after = calibration(run)
    assert after["threshold"] > before["threshold"]
    assert after["under"] == "pgd, L-inf 8/255"
    assert calibration(run, "calibration.previous.json") == before
    assert "attacked" in words(done)
    assert f"hardsight evaluate {run}" in words(done)
    again = call("calibrate", run)
    assert again.exit_code == 0, words(again)
    assert calibration(run) == before


def test_other_normal_images_set_it(run, parts):
    done = call("calibrate", run, parts / "test/good", "--false-alarms", 0.25)
    assert done.exit_code == 0, words(done)
    assert len(calibration(run)["normal_scores"]) == len(list((parts / "test/good").iterdir()))
    call("calibrate", run)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--under", "2/255"), "--under='2/255' must be a threat and its eps"),
        (("--under", "dust:0.1"), "choose from Linf, L2, light"),
        (("--under", "linf:2/255", "--suite", "map-pgd"), "attacks the map"),
        (("--false-alarms", 0.001), "too few for a false-alarm rate of 0.001"),
        (("--false-alarms", 2), "must be between 0 and 1, got 2; use 0.01 for 1 %"),
        (("nowhere/*.png",), "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_the_threshold(run, arguments, message):
    before = calibration(run)
    done = call("calibrate", run, *arguments)
    assert done.exit_code == 1
    assert message in words(done)
    assert calibration(run) == before


def test_known_defects_are_no_normal_images(run, parts):
    before = calibration(run)
    done = call("calibrate", run, parts / "test")
    assert done.exit_code == 1
    assert "4 of 8 images are defects of the run's data set, first" in words(done)
    assert calibration(run) == before


def test_images_that_were_trained_on_are_refused(run, parts):
    done = call("calibrate", run, parts / "train/good")
    assert done.exit_code == 1
    assert "were trained on" in words(done)
