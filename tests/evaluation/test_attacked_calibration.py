"""Thresholds calibrated on attacked normal images, on a detector whose worst case is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bright import Bright
from hardsight.attacks import build_suite
from hardsight.evaluation import Protocol, calibrate_under, evaluate
from hardsight.metrics import conformal_threshold


def normals(n: int = 19) -> torch.Tensor:
    g = torch.Generator().manual_seed(0)
    return 0.3 + 0.4 * torch.rand(n, 3, 16, 16, generator=g) * torch.rand(n, 1, 1, 1, generator=g)


def test_an_attack_of_the_mean_moves_the_threshold_by_the_radius():
    x, detector = normals(), Bright()
    found = calibrate_under(detector, x, build_suite("pgd", eps="8/255", steps=5), level=0.1)
    clean = detector.predict(x).pred_score.double().numpy()
    np.testing.assert_allclose(found.clean, clean)
    gained = detector.predict((x + 8 / 255).clamp(0, 1)).pred_score.double().numpy()
    np.testing.assert_allclose(found.attacked, gained, atol=1e-5)
    right = conformal_threshold(gained, 0.1)
    assert found.calibration.threshold == pytest.approx(right, abs=1e-5)
    assert found.calibration.under == "pgd, L-inf 8/255"
    assert found.calibration.clean_scores == ()  # attacked ones are no match for clean images
    assert detector.calibrate(x, 0.1).calibration.clean_scores == pytest.approx(np.sort(clean))
    assert "attacked as the 19 were (pgd, L-inf 8/255) or not" in found.calibration.statement


def test_of_the_images_themselves_no_more_than_promised_alarm_under_the_attack():
    found = calibrate_under(Bright(), normals(), build_suite("pgd", eps="8/255"), level=0.1)
    old = conformal_threshold(found.clean, 0.1)
    assert found.alarms(old)[1] > 0.1
    assert found.alarms(found.calibration.threshold)[1] <= 0.1


def test_too_few_images_and_attacks_of_the_map_or_another_model_are_refused():
    with pytest.raises(ValueError, match="too few for a false-alarm rate"):
        calibrate_under(Bright(), normals(5), build_suite("pgd"), level=0.01)
    with pytest.raises(ValueError, match="suite='map-pgd' attacks the map"):
        calibrate_under(Bright(), normals(), build_suite("map-pgd"))
    with pytest.raises(ValueError, match="'transfer' crafts its attack on another model, and a t"):
        calibrate_under(Bright(), normals(), build_suite("transfer"))


def test_attacked_normals_stand_beside_no_clean_figure(make_set):
    data = make_set([90, 100, 110], [160, 170])
    detector = Bright().calibrate(normals(), 0.1)
    under = calibrate_under(Bright(), normals(), build_suite("pgd", steps=2), level=0.1)
    suites = [build_suite("pgd", steps=2)]
    for one, there in ((detector, True), (detector.with_calibration(under.calibration), False)):
        rows = evaluate(one, data, suites, protocol=Protocol(gallery=2)).rows
        assert ("AUROC, held-out" in {r.metric for r in rows}) is there


def test_it_tells_from_the_beginning_and_after_each_attempt():
    told, suite = [], build_suite("eot-pgd", steps=2)
    calibrate_under(Bright(), normals(), suite, 0.1, progress=lambda *one: told.append(one))
    attempts = suite.once.attempts
    whole = 19 * sum(a.optimiser.evaluations for a in attempts)
    assert told[0] == ("attack", 0, whole, "")
    batches = [8, 8, 3]
    done = np.cumsum([n * a.optimiser.evaluations for n in batches for a in attempts])
    assert [one[1] for one in told[1:-1]] == done.tolist()
    assert [one[3] for one in told[1 : -1 : len(attempts)]] == [
        f"images {which} of 19" for which in ("1 to 8", "9 to 16", "17 to 19")
    ]
    assert told[-1][1:3] == (whole, whole)


def test_it_keeps_how_files_are_to_be_decoded():
    before = Bright().calibrate(normals(), 0.1)
    detector = before.with_calibration(replace(before.calibration, bits=12, aspect="keep"))
    found = calibrate_under(detector, normals(), build_suite("pgd", steps=1), level=0.1)
    again = detector.with_calibration(found.calibration)
    assert again.decoding == detector.decoding
