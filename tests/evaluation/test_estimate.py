"""The parts of an evaluation, their costs, and what the meter of the evaluation adds up to."""

import time

import pytest
import torch
from test_protocol import ANOMALOUS, NORMAL
from torch import nn

from hardsight.attacks import PGD, Attempt, Linf, build_suite
from hardsight.core.types import Detection
from hardsight.detectors.base import Detector
from hardsight.evaluation import DetectorSubject, Execution, Protocol, estimate, evaluate
from hardsight.evaluation.attacked import attack_batch, attack_set
from hardsight.evaluation.costs import attack_cost, attempt_cost
from hardsight.evaluation.parts import parts
from hardsight.evaluation.wording import radius

SUITES = [build_suite("pgd", steps=2), build_suite("eot-pgd", steps=1)]
PROTOCOL = Protocol(6, batch_size=4, gallery=0, curve=[1 / 255, 2 / 255], corruptions=[1])


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_parts_are_all_that_the_evaluation_tells_of(bright, make_set, noise):
    """Told batch by batch, the costs come to those of the parts; without them all were said."""
    data = make_set(NORMAL, ANOMALOUS)
    detector, told = bright(noise=noise), []

    def progress(stage, done, total, info=""):
        told.append((done, total, info))

    planned = list(parts(DetectorSubject.of(detector, data), SUITES, "Linf", PROTOCOL))
    evaluate(detector, data, SUITES, protocol=PROTOCOL, execution=Execution(progress=progress))
    subject = DetectorSubject.of(detector, data)
    whole = sum(part.cost(subject) for part in planned) * len(subject)
    (*_, (before, total, last), (_, _, end)) = told
    assert (last.split(",")[0] != "done", end) == (True, "done")
    assert total == round(whole)
    assert before == pytest.approx(total, abs=1)
    names = [part.name for part in planned]
    assert names.count("clean images, for the curve") == (noise > 0)
    assert names[-2:] == ["curve of 2 radii", "19 corruptions"]
    of_light = parts(DetectorSubject.of(detector, data), SUITES, "light", PROTOCOL)
    assert [part.name for part in of_light][-2] == "curve of 2 severities"
    said, n = {info for *_, info in told}, len(subject)
    assert {f"pgd, {radius('Linf', e)}, {n} of {n} images" for e in PROTOCOL.curve} <= said


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_batch_tells_of_each_attempt(bright, make_set, noise):
    subject = DetectorSubject.of(bright(noise=noise), make_set(NORMAL, ANOMALOUS))
    suite, told = build_suite("eot-pgd", steps=3), []
    protocol = Protocol(6, batch_size=4, gallery=0)
    with subject.at_rest():
        seen = subject.sees(suite)
        attack_set(subject, seen, protocol, told=lambda *one: told.append(one))
    assert len(told) == 2 * (len(seen.attempts) + 1)
    images, done, kept = (list(column) for column in zip(*told, strict=True))
    assert sum(images) == pytest.approx(len(subject))
    assert min(images) > 0
    assert not any(kept)
    assert done == sorted(done)
    assert done[-1] == len(subject)


def test_a_part_takes_its_share_of_the_time(bright, make_set):
    subject = DetectorSubject.of(bright(), make_set(NORMAL, ANOMALOUS))
    planned = list(parts(subject, SUITES, "Linf", PROTOCOL))
    found = estimate(subject, planned, 4)
    assert [cost.part for cost in found] == planned
    rates = [cost.minutes / cost.part.cost(subject) for cost in found]
    assert rates == pytest.approx([rates[0]] * len(rates))
    passes = {cost.part.name: cost.passes for cost in found}
    assert passes["clean images"] == 0
    assert passes["curve of 2 radii"] == 2 * subject.quick("Linf").passes()


class Slow(Detector):
    """A detector without a gradient, that takes at least 20 ms for a batch."""

    image_size, differentiable = 16, False

    def __init__(self):
        super().__init__()
        self.place = nn.Parameter(torch.zeros(()), requires_grad=False)

    def forward(self, images, noise=None):
        """Score by the mean."""
        if images.requires_grad:
            raise ValueError("there is no gradient")
        time.sleep(0.02)
        return Detection(images.mean((1, 2, 3)), images.mean(1, keepdim=True))


class Unseen(Slow):
    """One that nothing may be asked of."""

    def forward(self, images, noise=None):
        """Fail."""
        raise AssertionError("a score was asked for")


@pytest.mark.parametrize("norm", ["Linf", "light"])
@pytest.mark.parametrize("name", ["pgd", "autoattack"])
def test_suites_that_follow_a_missing_gradient_are_refused_before_any_score(make_set, name, norm):
    suite = build_suite(name, norm, 0.01)
    with pytest.raises(ValueError, match=rf"suite='{name}' follows gradients, and this Unseen"):
        evaluate(Unseen(), make_set(NORMAL, ANOMALOUS), [suite])


@pytest.mark.parametrize("norm", ["Linf", "light"])
@pytest.mark.parametrize("name", ["square", "transfer"])
def test_suites_that_need_no_gradient_of_the_victim_are_not_refused(name, norm):
    build_suite(name, norm, 0.01).demand(Unseen(), Unseen())


def test_the_time_of_a_model_without_gradient_is_that_of_its_scores(make_set):
    subject = DetectorSubject.of(Slow(), make_set(NORMAL, ANOMALOUS))
    planned = list(parts(subject, [build_suite("square", steps=10)], "Linf", Protocol()))
    clean, square = estimate(subject, planned, 4)
    assert clean.minutes * 60 >= len(subject) * 0.02 / 4
    assert square.minutes > 5 * clean.minutes


def test_scores_that_decisions_are_made_on_are_counted(bright, make_set):
    data = make_set(NORMAL, ANOMALOUS)
    subject = DetectorSubject.of(bright().calibrate(data.validation.images()), data)
    asked = []
    subject.model.register_forward_hook(lambda *_: asked.append(1))
    with subject.at_rest():
        attack_batch(subject, None, PROTOCOL, 0)
    assert attack_cost(subject, None, 6) == pytest.approx(len(asked) / 3)


@pytest.mark.parametrize("via", ["bpda", "source"])
def test_an_attack_by_another_gradient_costs_what_one_by_the_own_costs(via):
    attack = PGD(Linf(0.1), 5)
    other, own = Attempt(attack, "score", via=via), Attempt(attack, "score")
    assert attempt_cost(other, 1) == attempt_cost(own, 1) == 6


def test_a_query_of_a_threat_with_parameters_costs_no_backward_pass(bright, make_set):
    subject = DetectorSubject.of(bright(), make_set(NORMAL, ANOMALOUS))
    costs = [
        attack_cost(subject, build_suite("square", norm, "0.5", queries=60), 1)
        for norm in ("Linf", "light")
    ]
    assert costs[0] == costs[1]
