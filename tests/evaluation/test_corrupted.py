"""Detectors and classifiers under the nineteen corruptions."""

import json

import numpy as np
import pytest
import torch

from bright import Bright, write_set
from hardsight.core.noise import Noise
from hardsight.detectors.calibration import Calibration
from hardsight.evaluation import DetectorSubject, Execution, Protocol, evaluate
from hardsight.evaluation.corrupted import corrupted
from hardsight.metrics import auroc
from hardsight.reports.forms import form_of
from hardsight.synthesis import CORRUPTIONS, corrupt
from hardsight.synthesis.corruptions.corruptions import FAMILIES

NORMAL = [100, 102, 104, 106]
ANOMALOUS = [105, 110, 112, 116]
THRESHOLD = 107 / 255
BOTH = Protocol(2, gallery=0, corruptions=(5, 1))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("set"), NORMAL, ANOMALOUS)


@pytest.fixture(scope="module")
def found(data):
    detector = Bright()
    scores = np.array([0.3, THRESHOLD])
    detector.calibration = Calibration.fit(scores, scores, level=0.5)
    assert detector.calibration.threshold == THRESHOLD
    return evaluate(detector, data, [], protocol=BOTH)


def test_families_have_each_corruption_once():
    names = [name for family in FAMILIES.values() for name in family]
    assert sorted(names) == sorted(CORRUPTIONS)


def test_figures_and_decisions_are_those_of_corrupted_images(found, data):
    """By hand: corrupt the test images, score them, rank and count."""
    assert len(found.corruptions) == 38
    images, labels = data.test.images(), data.test.labels

    def scored(x):  # as the detector adds up, for images that tie
        return (x.float() / 255).mean(1, keepdim=True).flatten(1).mean(1).numpy()

    clean = auroc(scored(images), labels)
    for one in found.corruptions:
        g = Noise(0, torch.device("cpu")).generator(one.corruption, 0)
        changed = corrupt(images, one.corruption, one.severity, g)
        scores = scored(changed)
        assert one.figure.value == pytest.approx(auroc(scores, labels))
        assert one.change == pytest.approx(one.figure.value - clean)
        alarm = scores > THRESHOLD
        expected = ((alarm & labels).sum(), 4, (alarm & ~labels).sum(), 4)
        assert one.decisions == expected


def test_curves_begin_at_the_images_left_alone(found):
    *families, defects, false = found.curves
    for curve, names in zip(families, FAMILIES.values(), strict=True):
        assert len(curve.lines) == len(names)
        for points in curve.lines.values():
            assert [x for x, _ in points] == [0, 1, 5]
            assert points[0][1] == found.rows[0].mean
    alarms = {c.corruption: c.decisions.false for c in found.corruptions if c.severity == 5}
    mean = np.mean([alarms[name] / 4 for name in FAMILIES["weather"]])
    assert false.lines["weather"][-1][1].value == pytest.approx(mean)
    assert (defects.measure, false.measure) == ("defects found", "false alarms")


def test_an_image_keeps_its_random_numbers_at_every_severity(data):
    subject = DetectorSubject.of(Bright(), data)
    images = subject.with_images(torch.full((8, 3, 16, 16), 0.5))
    one, three = (
        corrupted(images, ("gaussian_noise", s), Protocol(batch_size=3)).images - 0.5
        for s in (1, 3)
    )
    torch.testing.assert_close(three, 2 * one, rtol=1e-4, atol=1e-6)  # 0.04 and 0.08


def test_without_a_threshold_there_are_no_decisions(data):
    protocol = Protocol(1, gallery=0, corruptions=(2,))
    found = evaluate(Bright(), data, [], protocol=protocol)
    assert {one.decisions for one in found.corruptions} == {None}
    assert len(found.curves) == len(FAMILIES)


def test_time_that_ran_out_is_said_and_finished_batches_are_kept(data, tmp_path):
    protocol = Protocol(1, gallery=0, corruptions=(2,))
    state = tmp_path / "state"
    whole = evaluate(Bright(), data, [], protocol=protocol, execution=Execution(state))
    stamps = {f: f.stat().st_mtime_ns for f in state.rglob("*.safetensors")}
    late = Execution(state, max_minutes=0)
    again = evaluate(Bright(), data, [], protocol=protocol, execution=late)
    assert again.corruptions == whole.corruptions
    assert {f: f.stat().st_mtime_ns for f in state.rglob("*.safetensors")} == stamps
    fresh = Execution(tmp_path / "other", max_minutes=0)
    short = evaluate(Bright(), data, [], protocol=protocol, execution=fresh)
    assert short.corruptions == ()
    assert "Time ran out: 0 of 19 corruptions were tried." in short.notes


def test_every_form_of_the_report_has_them(found):
    form, one = form_of(found), found.corruptions[0]
    plain = json.loads(json.dumps(form.values(found), default=float))["corruptions"][0]
    assert plain["corruption"] == "gaussian_noise"
    assert plain["decisions"] == one.decisions._asdict()
    said = f"found {one.decisions.found} of 4, false {one.decisions.false} of 4"
    page, text = form.html(found), "\n".join(form.markdown(found))
    assert said in page
    assert said in text
    assert "Corruptions: weather" in page
    assert "Not tried: L-inf, L2, light" in page
