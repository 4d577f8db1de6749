import json

import numpy as np
import pytest

from hardsight.evaluation.distribution_shift import STATISTICS
from hardsight.runs import SCORE, drift_references, open_run


def test_references_are_held_out_scores_and_what_good_parts_look_like(run):
    found = drift_references(run)
    assert found.keys() == {SCORE} | STATISTICS.keys()
    scores = json.loads((run.path / "calibration.json").read_text())["normal_scores"]
    np.testing.assert_array_equal(found[SCORE], scores)
    data = run.data()
    images = np.concatenate([data.train.images(), data.validation.images()]) / 255
    np.testing.assert_allclose(found["brightness"], images.mean((1, 2, 3)), rtol=1e-5)


def test_statistics_of_an_older_run_are_taken_from_its_data(run):
    path, before = run.path / "statistics.json", drift_references(run)
    path.unlink()
    for name, values in drift_references(run).items():
        np.testing.assert_array_equal(values, before[name])
    assert path.is_file()


def test_damaged_statistics_are_named(run):
    path = run.path / "statistics.json"
    whole = path.read_text()
    path.write_text(whole[:100])
    with pytest.raises(ValueError, match=r"statistics\.json is damaged \(.*\); remove it"):
        drift_references(run)
    path.write_text(whole)


def test_without_data_and_statistics_the_score_alone_is_watched(run):
    (run.path / "statistics.json").unlink()
    gone = open_run(run.path)
    gone.config = gone.config.updated({"data.path": "nowhere"})
    assert drift_references(gone).keys() == {SCORE}
