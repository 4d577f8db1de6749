"""Versions of thresholds, in both databases: each as it was set, for its weights alone."""

import numpy as np
import pytest

from hardsight.detectors import Calibration
from hardsight.serve.log import InspectionLog, LogError
from hardsight.serve.log.thresholds import add_threshold, thresholds


def calibration(seed: int) -> Calibration:
    scores = np.random.default_rng(seed).exponential(size=30)
    return Calibration.fit(scores, 2 * scores, 0.1)


def test_versions_count_up_for_each_model_and_weights(log_url):
    with InspectionLog(log_url) as log:
        first = add_threshold(log, "parts", "abc", calibration(0), "Monday")
        second = add_threshold(log, "parts", "abc", calibration(1), "Tuesday")
        other = add_threshold(log, "parts", "def", calibration(2), "")
        assert thresholds(log, "parts", "abc") == [first, second]
        assert thresholds(log, "parts", "def") == [other]
        assert [first.version, second.version, other.version] == [1, 2, 1]
        assert thresholds(log, "lids", "abc") == []


def test_of_two_who_set_the_same_version_one_is_refused(log_url, monkeypatch):
    with InspectionLog(log_url) as log:
        first = add_threshold(log, "parts", "abc", calibration(0), "")
        monkeypatch.setattr("hardsight.serve.log.thresholds.thresholds", lambda *_: [])
        with pytest.raises(LogError):
            add_threshold(log, "parts", "abc", calibration(1), "")
        monkeypatch.undo()
        assert thresholds(log, "parts", "abc") == [first]
