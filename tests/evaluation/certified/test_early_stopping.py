"""Decisions that stop sampling early."""

from dataclasses import replace

import numpy as np

from hardsight.certify import Decision, plan_looks
from hardsight.evaluation.certified.plan import Smoothing, Terms
from hardsight.evaluation.certified.points import would_settle
from hardsight.evaluation.certified.protocol import certify

TERMS = Terms(0.3, 60, radii=(0.0, 0.1))

FEW = Smoothing(pixels=2, batch_size=16)


def test_early_stopping_decides_as_all_copies_do_and_saves_some(bright, make_set):
    data = make_set([80, 80], [150, 150])
    terms = replace(TERMS, sigma=0.1, n=400)
    whole = certify(bright(), data, terms, smoothing=FEW)
    early = certify(bright(), data, terms, smoothing=replace(FEW, early_stopping=True))
    assert np.array_equal(early.decisions, whole.decisions)
    assert set(early.decisions) == {Decision.NORMAL, Decision.ANOMALOUS}
    assert early.rows[0].f1 == whole.rows[-1].f1 == 1.0
    assert early.rows[0].auroc is None
    (settling,) = early.settlings
    assert settling.samples + settling.saved == 4 * 400
    assert settling.saved > 800
    assert settling.certain == 4
    assert whole.settlings[-1] == settling  # unanimous: every stream settles at the first look
    assert early.gallery == ()


def test_what_early_stopping_would_have_done_by_brute_force():
    rng = np.random.default_rng(0)
    scores = rng.normal(rng.uniform(-2, 2, 30), 1.0, (300, 30))
    looks = plan_looks(300, 0.3, 1.0, 0.01)
    found = would_settle(scores, 0.0, looks)
    certain = taken = 0
    for column in scores.T:
        for look, samples in enumerate(looks.samples):
            decision, over = looks.settle(look, int((column[:samples] <= 0).sum()))
            if over:
                certain += int(decision != 0)
                taken += samples
                break
    assert (found.certain, found.samples) == (certain, taken)
    assert found.saved == scores.size - taken
    assert 0 < certain < 30
