"""A threshold from feedback: the conformal one of good parts, as a version of its own."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from records import NOON, decisions

from hardsight.metrics import conformal_threshold
from hardsight.serve.decision import Feedback
from hardsight.serve.log import InspectionLog
from hardsight.serve.log.thresholds import thresholds
from hardsight.serve.models import ModelError, Models, Origin
from hardsight.serve.recalibration import RecalibrationError, Span, recalibrate_from_feedback

SPAN = Span(NOON, level=0.1)


@pytest.fixture
def log(tmp_path):
    with InspectionLog(tmp_path / "log.db") as found:
        yield found


@pytest.fixture
def model(served_run, log):
    return Models(log, [Origin(served_run)], "cpu").get("parts")


def line(model, n: int, seed: int = 0):
    """n decisions whose scores are as random as their parts; above 1.2 an alarm."""
    scores = np.random.default_rng(seed).exponential(0.5, n)
    rows = decisions(n, model_hash=model.hash)
    return [
        replace(row, score=float(s), label=bool(s > 1.2), map_maximum=float(2 * s))
        for row, s in zip(rows, scores, strict=True)
    ]


def judge(log, rows, anomalous: bool):
    for row in rows:
        log.judge(Feedback(row.id, anomalous))


def test_the_threshold_is_the_conformal_one_of_all_good_parts(log, model):
    rows = line(model, 60)
    log.append(rows)
    alarms = [row for row in rows if row.label]
    judge(log, alarms[:2], anomalous=True)
    judge(log, alarms[2:], anomalous=False)
    missed = next(row for row in rows if not row.label)
    judge(log, [missed], anomalous=True)
    good = [row for row in rows if row not in (*alarms[:2], missed)]
    version = recalibrate_from_feedback(log, model, SPAN)
    found = version.calibration
    assert version.version == 1
    assert found.threshold == conformal_threshold([row.score for row in good], 0.1)
    assert found.map_threshold == conformal_threshold([row.map_maximum for row in good], 0.1)
    assert found.normal_scores == tuple(sorted(row.score for row in good))


def test_the_last_word_about_a_part_counts(log, model):
    rows = line(model, 40)
    log.append(rows)
    alarms = [row for row in rows if row.label]
    judge(log, alarms, anomalous=False)
    judge(log, alarms[:1], anomalous=True)
    version = recalibrate_from_feedback(log, model, SPAN)
    assert len(version.calibration.normal_scores) == 39


def test_the_promise_holds_on_new_parts_of_the_line(log, model):
    """Over many lines, at most 10 % of good parts raise a false alarm; without the false alarms
    that people cleared it would be more."""
    rates = []
    for seed in range(20):
        begin = NOON + timedelta(hours=seed)
        rows = [replace(row, time=begin) for row in line(model, 49, seed)]
        log.append(rows)
        judge(log, [row for row in rows if row.label], anomalous=False)
        span = replace(SPAN, since=begin, until=begin + timedelta(hours=1))
        threshold = recalibrate_from_feedback(log, model, span).calibration.threshold
        rates.append(np.exp(-threshold / 0.5))  # of exponential scores above it
    assert np.mean(rates) <= 0.1 + 2 * np.std(rates) / np.sqrt(20)


def test_an_alarm_that_nobody_judged_is_no_basis(log, model):
    rows = line(model, 40)
    log.append(rows)
    alarms = [row for row in rows if row.label]
    judge(log, alarms[1:], anomalous=False)
    with pytest.raises(RecalibrationError, match=f"1 alarms .* first {alarms[0].id}"):
        recalibrate_from_feedback(log, model, SPAN)


def test_too_few_parts_for_the_level_are_named(log, model):
    log.append([replace(row, label=False) for row in line(model, 5)])
    with pytest.raises(RecalibrationError, match=r"5 good parts: .* at least 9"):
        recalibrate_from_feedback(log, model, SPAN)


def test_the_span_and_the_weights_decide_which_parts_count(log, model):
    rows = [replace(row, label=False) for row in line(model, 50)]
    log.append([*rows, *decisions(5, model_hash="of other weights")])
    span = replace(SPAN, since=NOON + timedelta(seconds=10), until=NOON + timedelta(seconds=30))
    found = recalibrate_from_feedback(log, model, span).calibration
    assert found.normal_scores == tuple(sorted(row.score for row in rows[10:30]))


def test_a_threshold_comes_in_force_on_what_is_served_by_then(log, served_run, second_run):
    models = Models(log, [Origin(served_run)], "cpu")
    before = models.get("parts")
    log.append([replace(row, label=False) for row in line(before, 30)])
    first = recalibrate_from_feedback(log, before, SPAN)
    models.put_in_force(before, first)
    second = recalibrate_from_feedback(log, models.get("parts"), replace(SPAN, level=0.2))
    models.load("parts")  # finds the second in the log
    models.put_in_force(before, first)
    assert models.get("parts").calibration == second.calibration

    models.load("parts", str(second_run))
    with pytest.raises(ModelError, match=r"was replaced .* version 2 is in the log"):
        models.put_in_force(before, second)
    assert models.get("parts").origin.run == second_run
    models.remove("parts")
    with pytest.raises(ModelError):
        models.put_in_force(before, second)
    assert len(models) == 0


def test_versions_stand_beside_each_other_and_the_newest_is_loaded(log, model, served_run):
    log.append([replace(row, label=False) for row in line(model, 30)])
    first = recalibrate_from_feedback(log, model, SPAN)
    second = recalibrate_from_feedback(log, model, replace(SPAN, level=0.2))
    assert [v.version for v in thresholds(log, model.name, model.hash)] == [1, 2]
    assert thresholds(log, model.name, model.hash) == [first, second]
    loaded = Models(log, [Origin(served_run)], "cpu").get("parts")
    assert (loaded.version, loaded.calibration) == (2, second.calibration)
    assert loaded.detector.decide(np.zeros((16, 16, 3), np.uint8)).pred_label is not None
