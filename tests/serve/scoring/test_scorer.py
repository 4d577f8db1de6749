"""Batches across requests: the same scores, first come first served, nothing lost or twice."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from bright import Bright
from hardsight.data import ImageError
from hardsight.serve.log import InspectionLog, LogError
from hardsight.serve.models import Models, Origin
from hardsight.serve.models.served import Arrival
from hardsight.serve.scoring import Job, QueueFullError, Scorer, StoppedError
from hardsight.serve.scoring.line import Line


@pytest.fixture
def log(tmp_path):
    with InspectionLog(tmp_path / "log.db") as found:
        yield found


@pytest.fixture
def model(served_run, log):
    return Models(log, [Origin(served_run)], "cpu").get("parts")


def jobs(model, n: int, seed: int = 0) -> list[Job]:
    images = torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    return [Job(model, image, Arrival(f"{seed}-{i}", "0" * 64)) for i, image in enumerate(images)]


@pytest.fixture
def scorer(log):
    found = Scorer(log, lambda job, answer: None, waiting=1000)
    yield found
    found.stop()


def test_requests_that_share_batches_get_the_scores_of_plain_scoring(scorer, model, log):
    sizes: list[int] = []
    scorer.batches = sizes.append
    gate = threading.Event()
    scorer.aside(gate.wait)  # holds the thread while requests of many clients arrive
    requests = [jobs(model, 1 + seed % 3, seed) for seed in range(12)]
    for request in requests:
        scorer.submit(request)
    gate.set()
    for request in requests:
        found = [job.answer.result(20).decision for job in request]
        plain = model.detector.decide(torch.stack([job.image for job in request]))
        np.testing.assert_allclose([d.score for d in found], plain.pred_score, rtol=1e-5)
        assert [d.source for d in found] == [job.arrival.source for job in request]
    assert sizes == [16, 8]
    assert log.count() == 24


def test_two_models_share_the_line_and_not_a_batch(scorer, model):
    other = model.with_threshold
    from hardsight.serve.log.thresholds import ThresholdVersion

    second = other(ThresholdVersion(1, model.calibration, ""))
    gate = threading.Event()
    scorer.aside(gate.wait)
    mixed = [each for pair in zip(jobs(model, 3), jobs(second, 3), strict=True) for each in pair]
    scorer.submit(mixed)
    gate.set()
    versions = [job.answer.result(20).decision.threshold_version for job in mixed]
    assert versions == [0, 1] * 3


def test_what_nobody_waits_for_is_not_scored(scorer, model, log):
    gate = threading.Event()
    scorer.aside(gate.wait)
    dropped, kept = jobs(model, 2), jobs(model, 1, seed=1)
    scorer.submit([*dropped, *kept])
    assert all(job.answer.cancel() for job in dropped)
    gate.set()
    kept[0].answer.result(20)
    assert log.count() == 1
    assert scorer.line.unanswered == 0


def test_a_failing_batch_fails_alone(scorer, model):
    wrong = [Job(model, torch.rand(3, 8, 8), Arrival("", ""))]
    scorer.submit(wrong)
    with pytest.raises(ValueError, match="16"):
        wrong[0].answer.result(20)
    right = jobs(model, 1)
    scorer.submit(right)
    assert right[0].answer.result(20).decision.model == "parts"


def test_an_image_at_fault_fails_alone_of_its_batch(scorer, model, log):
    gate = threading.Event()
    scorer.aside(gate.wait)
    together = jobs(model, 5)
    together[2].image[0, 0, 0] = torch.nan
    scorer.submit(together)
    gate.set()
    with pytest.raises(ValueError, match="finite"):
        together[2].answer.result(20)
    right = [job for job in together if job is not together[2]]
    assert all(job.answer.result(20).decision.image == "0" * 64 for job in right)
    assert log.count() == 4
    assert scorer.line.unanswered == 0


class Endless(Bright):
    """Scores a bright image with infinity."""

    def forward(self, images, noise=None):
        found = super().forward(images, noise)
        return found._replace(pred_score=torch.where(found.pred_score > 0.9, torch.inf, 0.1))


def test_a_score_that_is_not_finite_is_no_decision(scorer, model, log):
    endless = Endless().with_calibration(model.calibration)
    both = jobs(replace(model, detector=endless), 2)
    both[1].image.fill_(1.0)
    scorer.submit(both)
    assert both[0].answer.result(20).decision.score == pytest.approx(0.1)
    with pytest.raises(ImageError, match="0-1: its score is inf"):
        both[1].answer.result(20)
    assert [each.decision.source for each in log.read()] == ["0-0"]


def test_a_picture_that_fails_ends_no_thread(model, log, caplog):
    def keep(job, answer):
        raise ValueError("no such picture")

    scorer = Scorer(log, keep, waiting=10)
    for seed in range(2):
        (job,) = jobs(model, 1, seed)
        scorer.submit([job])
        assert job.answer.result(20).decision.source == f"{seed}-0"
    assert scorer.alive
    scorer.stop()
    assert len([r for r in caplog.records if "no picture of decision" in r.message]) == 2


def test_a_decision_that_is_not_on_disk_is_not_told(scorer, model, log):
    with log.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE feedback")
        connection.exec_driver_sql("DROP TABLE decisions")
    lost = jobs(model, 2)
    scorer.submit(lost)
    for job in lost:
        with pytest.raises(LogError, match="no such table"):
            job.answer.result(20)
    assert scorer.line.unanswered == 0


def test_a_stop_finishes_what_was_accepted(log, model):
    scorer = Scorer(log, lambda job, answer: None, waiting=100)
    accepted = jobs(model, 40)
    scorer.submit(accepted)
    scorer.stop()
    assert all(job.answer.done() for job in accepted)
    assert log.count() == 40
    with pytest.raises(StoppedError):
        scorer.submit(jobs(model, 1))


def test_the_line_takes_all_of_a_request_or_none(model):
    line = Line(images=4, asides=1)
    line.join(jobs(model, 3))
    with pytest.raises(QueueFullError, match="3 images wait, and 2 more are over the 4"):
        line.join(jobs(model, 2))
    line.join(jobs(model, 1))
    line.answered(4)
    line.join(jobs(model, 4))
    line.put_aside(print)
    with pytest.raises(QueueFullError):
        line.put_aside(print)
