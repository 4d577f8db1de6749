import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from bright import Contrast, Saturating
from hardsight.attacks import build_suite
from hardsight.detectors import TwoWitnesses
from hardsight.evaluation import inspect_attacked, inspection_costs
from hardsight.evaluation.costs import FORWARD

NORMAL, ANOMALOUS = [95, 100, 104, 108], [104, 110, 118, 126]
EPS = 8 / 255


def test_each_way_to_decide_is_counted_under_each_attack(bright, make_set):
    """The best attack of a mean brightness moves every score by the radius."""
    data = make_set(NORMAL, ANOMALOUS)
    normals, images, labels = data.train.images(), data.test.images(), data.test.labels
    robust, clean = (d.calibrate(normals, 0.1) for d in (bright(), Contrast()))
    both = TwoWitnesses(robust, clean).calibrated(normals, 0.2)
    found = inspect_attacked(both, data, build_suite("pgd", "Linf", EPS))
    rows = {(r.aimed_at, r.decided_by): r for r in found}
    assert len(rows) == 12
    assert all((r.defects, r.good) == (4, 4) for r in found)
    scores = robust.predict(images).pred_score.numpy()
    worst = scores + np.where(labels, -EPS, EPS)
    for aimed_at, values in (("nothing", scores), ("robust", worst)):
        alarm = values > robust.calibration.threshold
        row = rows[aimed_at, "robust"]
        assert (row.missed, row.stopped) == ((~alarm & labels).sum(), (alarm & ~labels).sum())
        assert row.defects_again == row.good_again == 0
    decided = np.array(both.inspect(images).decisions)
    row = rows["nothing", "both"]
    assert row.missed == (labels & (decided == "good")).sum()
    assert row.defects_again == (labels & (decided == "suspicious")).sum()
    assert row.stopped == (~labels & (decided == "defect")).sum()
    assert row.good_again == (~labels & (decided == "suspicious")).sum()
    assert rows["nothing", "clean"].missed == 0  # it sees that a half is brighter
    exceedances = both.predict(images).pred_score
    for name, own in (("robust", scores), ("both", exceedances)):
        assert rows["nothing", name].auroc == pytest.approx(roc_auc_score(labels, own))
    assert rows["robust", "robust"].auroc == pytest.approx(roc_auc_score(labels, worst))


def sided(bright, data):
    normals = data.train.images()
    robust, clean = (d.calibrate(normals, 0.1) for d in (bright(), Contrast()))
    return TwoWitnesses(robust, clean).calibrated(normals, 0.2)


def test_its_costs_are_those_of_each_attack_and_of_looking(bright, make_set, monkeypatch):
    """By a clock of which a gradient of both takes 3 s, of the robust one 2 s, of the other 1."""
    data = make_set(NORMAL, ANOMALOUS)
    both, suite = sided(bright, data), build_suite("pgd", "Linf", EPS, steps=5)
    seconds = {both: 3.0, both.robust: 2.0, both.clean: 1.0}
    monkeypatch.setattr(
        "hardsight.evaluation.inspected._seconds", lambda detector, x, truth: seconds[detector]
    )
    costs = inspection_costs(both, data, suite)
    names = ["clean images", "attack on robust", "attack on clean", "attack on both"]
    assert [cost.part.name for cost in costs] == names
    made = len(suite.once.attempts)
    passes = sum(attempt.optimiser.evaluations for attempt in suite.once.attempts)
    assert [cost.passes for cost in costs] == [0, passes, passes, passes]
    look, n = FORWARD * (3 + 1), len(data.test.images())
    for cost, own in zip(costs[1:], (2, 1, 3), strict=True):
        assert 60 * cost.minutes == pytest.approx(
            n * (look + own * (passes + FORWARD * (1 + made)))
        )
    assert 60 * costs[0].minutes == pytest.approx(n * look)


def test_a_killed_one_goes_on_with_the_batches_that_it_has_not(bright, make_set, tmp_path):
    data, told = make_set(NORMAL, ANOMALOUS), []
    suite = build_suite("pgd", "Linf", EPS, steps=2)
    whole = inspect_attacked(sided(bright, data), data, suite)

    def stop(stage, done, total, info=""):
        if stage == "attack on clean":
            raise KeyboardInterrupt

    def listen(stage, done, total, info=""):
        told.append((stage, done, total))

    with pytest.raises(KeyboardInterrupt):
        inspect_attacked(sided(bright, data), data, suite, progress=stop, folder=tmp_path / "kept")
    both = sided(bright, data)
    assert inspect_attacked(both, data, suite, progress=listen, folder=tmp_path / "kept") == whole
    total = len(data.test.images())
    first = {stage: done for stage, done, _ in reversed(told)}
    assert first["clean images"] == first["attack on robust"] == total
    assert first["attack on clean"] == first["attack on both"] == 0
    told.clear()
    inspect_attacked(both, data, suite, seed=1, progress=listen, folder=tmp_path / "kept")
    assert told[0] == ("clean images", 0, total)  # another seed has batches of its own


def test_each_attempt_is_told_of(bright, make_set):
    data, told = make_set(NORMAL, ANOMALOUS), []
    suite = build_suite("pgd", "Linf", EPS, steps=2)
    inspect_attacked(
        sided(bright, data),
        data,
        suite,
        progress=lambda stage, done, total, info="": told.append((stage, done, total)),
    )
    total, made = len(data.test.images()), len(suite.attempts)
    assert [one for one in told if one[0] == "clean images"] == [
        ("clean images", 0, total), ("clean images", total, total)
    ]  # fmt: skip
    for name in ("robust", "clean", "both"):
        done = [one[1] for one in told if one[0] == f"attack on {name}"]
        assert done == [0, *(int((k + 1) * total / made) for k in range(made)), total]


def test_an_attack_of_the_map_is_refused(bright, make_set):
    normals = make_set(NORMAL, ANOMALOUS).train.images()
    both = TwoWitnesses(bright().calibrate(normals), Contrast()).calibrated(normals)
    with pytest.raises(ValueError, match="attacks the map"):
        inspect_attacked(both, make_set(NORMAL, ANOMALOUS), build_suite("map-pgd", "Linf", EPS))


def test_each_detector_alone_decides_on_its_own_noise(bright, make_set):
    """Beside the other the clean one has another noise: it would be judged by a foreign one."""
    data = make_set(list(range(96, 105)), list(range(104, 113)))
    normals, images, labels = data.train.images(), data.test.images(), data.test.labels
    alone = [bright(noise=0.05).calibrate(normals, 0.1) for _ in range(2)]
    both = TwoWitnesses(*alone).calibrated(normals, 0.2)
    known = both.decision_noise(torch.zeros(1, 3, 16, 16))
    assert known[0, 0] != known[0, 1]
    rows = {(r.aimed_at, r.decided_by): r for r in inspect_attacked(both, data, build_suite("pgd"))}
    for name, detector in zip(("robust", "clean"), alone, strict=True):
        alarm = detector.decide(images).pred_label.numpy()
        row = rows["nothing", name]
        assert (row.missed, row.stopped) == ((~alarm & labels).sum(), (alarm & ~labels).sum())


def test_counts_that_cannot_tell_of_lost_gradients_are_refused(make_set):
    data = make_set([100, 106], [80, 85], masks=False)
    robust, clean = (d.calibrate(data.train.images()) for d in (Saturating(107 / 255), Contrast()))
    both = TwoWitnesses(robust, clean).calibrated(data.train.images())
    with pytest.raises(ValueError, match="Non-finite gradients on 1 of 4 images"):
        inspect_attacked(both, data, build_suite("pgd", "Linf", 4 / 255))
