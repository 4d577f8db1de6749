import numpy as np
import pytest

from hardsight.detectors.calibration import Calibration


def test_new_normals_raise_false_alarms_at_most_at_the_level():
    """Averaged over calibration sets, the share above the threshold stays below the level."""
    rng = np.random.default_rng(0)
    rates = []
    for _ in range(400):
        normal = rng.gamma(2, size=60)
        found = Calibration.fit(normal, normal, level=0.05)
        rates.append((rng.gamma(2, size=500) > found.threshold).mean())
    assert 0.03 < np.mean(rates) <= 0.0525


def test_without_a_level_it_takes_the_lowest_the_images_support():
    assert Calibration.fit(np.arange(20.0), np.arange(20.0)).level == pytest.approx(1 / 21)
    assert Calibration.fit(np.arange(500.0), np.arange(500.0)).level == 0.01


def test_too_few_images_for_the_level_say_how_many_it_takes():
    with pytest.raises(ValueError, match="99"):
        Calibration.fit(np.arange(20.0), np.arange(20.0), level=0.01)


@pytest.mark.parametrize("level", [None, 0.1])
def test_without_an_image_it_is_said_that_none_was_held_out(level):
    with pytest.raises(ValueError, match="no held-out normal image is left to set the threshold"):
        Calibration.check(0, level)


def test_round_trip_and_damage(tmp_path):
    path = tmp_path / "calibration.json"
    found = Calibration.fit(np.random.default_rng(0).random(30), np.arange(30.0), 0.1)
    found.write(path)
    assert Calibration.read(path) == found
    path.write_text(path.read_text()[:40])
    with pytest.raises(ValueError, match="not a calibration file"):
        Calibration.read(path)


def test_statement_names_the_level_and_the_images():
    text = Calibration.fit(np.arange(99.0), np.arange(99.0), 0.01).statement
    assert "At most 1 %" in text
    assert "99 held-out" in text
