import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from bright import Contrast, Saturating
from hardsight.attacks import build_suite
from hardsight.detectors import TwoWitnesses
from hardsight.evaluation import inspect_attacked

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
