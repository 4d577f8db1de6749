"""An attacker who submits an image several times: what survives all of them."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Generator, nn

from bright import Bright
from hardsight.attacks import build_suite
from hardsight.attacks.class_suites import class_suite
from hardsight.data import LabelledImages
from hardsight.evaluation import (
    ClassifierSubject,
    DetectorSubject,
    Execution,
    Protocol,
    evaluate,
    evaluate_classifier,
)
from hardsight.evaluation.attacked import attack_set
from hardsight.evaluation.costs import attack_cost
from hardsight.evaluation.diagnostics import diagnosed
from hardsight.evaluation.results import Budget, Estimate, Row, per_image
from hardsight.evaluation.verdict import strongest
from hardsight.metrics import auroc
from hardsight.purifiers import Purified, Purifier

PIXELS = torch.randint(90, 166, (40, 1, 2, 2), generator=Generator().manual_seed(0)).byte()
EPS, SIZE = 0.02, 0.2


class Sum(nn.Module):
    """Two classes by the sign of the sum of the pixels, less that of a grey image."""

    def forward(self, x):
        s = (x - 0.5).flatten(1).sum(1)
        return torch.stack([-s, s], 1)


class Shake(Purifier):
    def sample_noise(self, images, generator=None):
        return SIZE * torch.randn(images.shape, generator=generator)

    def forward(self, images, noise=None):
        return images + noise


class Still(Purifier):
    def forward(self, images, noise=None):
        return images


MARGIN = (PIXELS.float() / 255 - 0.5).flatten(1).sum(1)
DATA = LabelledImages("greys", PIXELS, (MARGIN > 0).long(), ("dark", "light"))


def found(purifier, suite, **own):
    protocol = Protocol(fresh_draws=10, gallery=0, batch_size=16)
    return evaluate_classifier(Purified(purifier, Sum()), DATA, [suite], protocol=protocol, **own)


def test_it_counts_what_survives_every_submission(tmp_path):
    """The best image of an affine victim is known, and its noise is Gaussian: Phi(z)^N."""
    suite = class_suite("resubmission", "Linf", EPS, steps=4, draws=2, submissions=6)
    evaluated = found(Shake(), suite, execution=Execution(tmp_path))
    row, outputs = evaluated.rows[1], evaluated.outputs["resubmission"]
    assert outputs.shape == (40, 6)
    survived = (outputs == DATA.labels.numpy()[:, None]).all(1)
    assert row.mean.value == row.worst.value == pytest.approx(survived.mean())
    np.testing.assert_array_equal(evaluated.scores("resubmission"), survived)
    right = evaluated.outputs["clean"] == DATA.labels.numpy()[:, None]
    np.testing.assert_allclose(evaluated.scores("clean"), right.mean(1))
    z = (MARGIN.abs() - 4 * EPS) / (2 * SIZE)
    once = 0.5 * (1 + torch.erf(z / math.sqrt(2))).double().numpy()
    expected, spread = (once**6).mean(), np.sqrt((once**6 * (1 - once**6)).sum()) / 40
    assert abs(survived.mean() - expected) < 3 * spread
    assert abs(row.single.value - once.mean()) < 0.1
    assert row.mean.value < row.single.value
    assert "6 submissions" in row.budget.attacks
    assert row.budget.submissions == 6
    assert any("submitted 6 times" in note for note in evaluated.notes)
    again = found(Shake(), suite, execution=Execution(tmp_path))
    assert again.rows[1].mean == row.mean


def test_each_submission_is_another_image():
    """Random starts alone, of a victim without noise: some fool it, others do not."""
    suite = class_suite("resubmission", "Linf", 0.1, steps=0, objectives=("ce",), submissions=8)
    outputs = found(Still(), suite).outputs["resubmission"]
    assert outputs.shape == (40, 8)
    assert any(len(set(row)) > 1 for row in outputs.tolist())


def test_the_first_of_them_is_the_attack_made_once():
    once, thrice = (
        class_suite("eot-pgd", "Linf", EPS, steps=2, draws=2, submissions=n) for n in (1, 3)
    )
    first = found(Shake(), once).outputs["eot-pgd"][:, 0]
    assert np.array_equal(found(Shake(), thrice).outputs["eot-pgd"][:, 0], first)


def test_it_is_no_measure_of_attacks_that_are_submitted_once():
    """A diagnostic that leaves more than the worst of ten answers overstates nothing by that."""
    estimate = Estimate(0.2, 0.1, 0.3)
    row = Row("resubmission", "image", "accuracy", estimate, norm="Linf", eps=EPS)
    worst = replace(row, budget=Budget(submissions=10))
    square = replace(row, attack="square", mean=Estimate(0.6, 0.5, 0.7))
    assert "overstates" in diagnosed([row, square])[0]
    assert diagnosed([worst, square]) == []


def test_what_it_costs():
    subject = ClassifierSubject.of(Purified(Shake(), Sum()), DATA)
    own = {"steps": 5, "draws": 2, "fixed": False}
    once, ten = (class_suite(name, **own) for name in ("eot-pgd", "resubmission"))
    assert (once.submissions, ten.submissions) == (1, 10)
    assert ten.passes() == 10 * once.passes()
    cost = [attack_cost(subject, suite, 1) for suite in (once, ten)]
    assert cost[1] == pytest.approx(10 * cost[0])
    assert class_suite("resubmission", submissions=3).submissions == 3


def test_submissions_of_maps_or_of_one_change_for_all_are_refused():
    with pytest.raises(ValueError, match="submissions=2 are of single images"):
        build_suite("map-pgd", submissions=2)
    with pytest.raises(ValueError, match="norm='universal'"):
        build_suite("pgd", "universal", submissions=2)
    with pytest.raises(ValueError, match="submissions must be at least 1, got -1"):
        build_suite("pgd", submissions=-1)


def test_decisions_and_pictures_are_of_the_worst_submission(make_set):
    """Random starts alone, batch by batch: what decides is the least favourable of them."""
    data = make_set([100, 102, 104, 106], [105, 110, 112, 116])
    detector = Bright().calibrate(data.validation.images())
    suite = build_suite("pgd", eps=0.1, steps=0, submissions=5)
    subject = DetectorSubject.of(detector, data)
    with subject.at_rest():
        done = attack_set(subject, suite, Protocol(batch_size=3), keep=frozenset(range(8)))
    assert (done.outputs.std(1) > 0).all()
    worst = np.where(data.test.labels, done.outputs.min(1), done.outputs.max(1))
    np.testing.assert_array_equal(done.decided, worst)
    np.testing.assert_array_equal(done.mean, worst)
    pictures = torch.stack([done.images[i] for i in range(8)])
    np.testing.assert_allclose(detector(pictures).pred_score.detach(), worst, rtol=1e-6)


def test_a_picture_is_of_a_submission_that_fooled_if_any_did():
    suite = class_suite("resubmission", "Linf", 0.1, steps=0, objectives=("ce",), submissions=8)
    subject = ClassifierSubject.of(Purified(Still(), Sum()), DATA)
    with subject.at_rest():
        done = attack_set(subject, suite, Protocol(batch_size=16), keep=frozenset(range(40)))
    said = Sum()(torch.stack([done.images[i] for i in range(40)])).argmax(1).numpy()
    survived = (done.outputs == DATA.labels.numpy()[:, None]).all(1)
    assert np.array_equal(said == DATA.labels.numpy(), survived)
    assert 0 < survived.sum() < 40


def test_the_strongest_attack_is_that_of_the_table(make_set):
    """Nine submissions of a noisy detector harm by the worst of them, which their mean hides."""
    data = make_set([100, 102, 104, 106], [126, 128, 130, 132])
    suites = [build_suite("fgsm", eps=0.04), build_suite("pgd", eps=0.0, steps=0, submissions=9)]
    found = evaluate(Bright(noise=0.05), data, suites, protocol=Protocol(40, gallery=0))
    left = {row.attack: row.mean.value for row in found.main}
    assert left["pgd"] < left["fgsm"]
    assert auroc(found.outputs["pgd"].mean(1), found.labels) > left["fgsm"]
    assert strongest(found) == "pgd"
    for name, figure in left.items():
        assert auroc(found.scores(name), found.labels) == figure


def test_of_an_image_the_answer_counts_that_is_worst_for_the_defender():
    scores, labels = np.array([[1.0, 3.0], [1.0, 3.0]]), np.array([True, False])
    assert per_image("detector", scores, labels).tolist() == [2, 2]
    assert per_image("detector", scores, labels, worst=True).tolist() == [1, 3]
    classes, truth = np.array([[0, 2], [2, 2], [0, 0]]), np.array([0, 2, 1])
    assert per_image("classifier", classes, truth).tolist() == [0.5, 1, 0]
    assert per_image("classifier", classes, truth, worst=True).tolist() == [0, 1, 0]
