import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from hardsight.attacks import Suite, build_suite
from hardsight.detectors.calibration import Calibration
from hardsight.evaluation import DetectorSubject, Execution, Protocol, evaluate
from hardsight.evaluation.attacked import attack_batch
from hardsight.evaluation.costs import attack_cost
from hardsight.evaluation.detectors import matched
from hardsight.evaluation.results import HELD_OUT, OBJECT_ALONE
from hardsight.metrics import auroc
from hardsight.reports import write_html

NORMAL = [100, 102, 104, 106]
ANOMALOUS = [105, 110, 112, 116]
PLAIN = Protocol(gallery=0)


def pgd(eps_255: float, **settings) -> Suite:
    return build_suite("pgd", eps=eps_255 / 255, steps=5, **settings)


def test_the_known_optimum_is_reached_and_reported(bright, make_set):
    """Each normal score rises by eps and each anomalous one falls by eps: AUROC by counting."""
    data = make_set(NORMAL, ANOMALOUS)
    for eps in (1, 2, 4):
        result = evaluate(
            bright(), data, [pgd(eps)], protocol=Protocol(2, gallery=2, curve=[eps / 255])
        )
        pairs = [
            (a - eps > n + eps) + 0.5 * (a - eps == n + eps) for a in ANOMALOUS for n in NORMAL
        ]
        row = next(r for r in result.rows if r.attack == "pgd")
        near = np.mean([abs(a - n - 2 * eps) < 1e-9 for a in ANOMALOUS for n in NORMAL])
        assert abs(row.mean.value - np.mean(pairs)) <= near / 2 + 1e-9  # ties fall as floats do
        assert row.eps == pytest.approx(eps / 255)
        assert (row.single, row.worst) == (None, None)  # no noise, one column
        gain = result.outputs["pgd"][:, 0] - result.outputs["clean"][:, 0]
        sign = np.where(result.labels, -1, 1)
        np.testing.assert_allclose(gain * sign, eps / 255, atol=1e-6)


def test_without_noise_an_attacked_map_has_one_column_too(bright, make_set):
    data = make_set(NORMAL, ANOMALOUS)
    suite = build_suite("map-pgd", eps=4 / 255)
    rows = evaluate(bright(), data, [suite], protocol=PLAIN).rows
    attacked = [r for r in rows if r.attack == "map-pgd"]
    assert [r.metric for r in attacked] == ["AUROC", "AUPRO"]
    assert {(r.single, r.worst, r.fixed, r.fresh_draws) for r in attacked} == {(None,) * 3 + (1,)}


def test_clean_rows_agree_with_the_metrics(bright, make_set):
    data = make_set(NORMAL, ANOMALOUS)
    result = evaluate(bright(), data, [], protocol=Protocol(1, gallery=0))
    names = [(r.target, r.metric) for r in result.rows]
    image = [("image", name) for name in ("AUROC", "AP", "F1-max")]
    assert names == [*image, *(("pixel", name) for name in ("AUROC", "AUPRO", OBJECT_ALONE))]
    expected = auroc(np.array(NORMAL + ANOMALOUS, float), np.repeat([False, True], 4))
    assert result.rows[0].mean.value == expected
    assert result.curves == ()


def test_defects_are_compared_with_the_good_parts_of_the_calibration_too(bright, make_set):
    data, detector = make_set(NORMAL, ANOMALOUS), bright()
    held_out = [90, 104, 106, 107, 111, 120]
    scores = np.array(held_out) / 255
    detector.calibration = Calibration.fit(scores, scores, level=0.5)
    result = evaluate(detector, data, [], protocol=Protocol(3, gallery=0))
    (row,) = [r for r in result.rows if r.metric == HELD_OUT]
    beaten = [(a > h) + 0.5 * (a == h) for a in ANOMALOUS for h in held_out]
    assert (row.target, row.attack) == ("image", "clean")
    assert row.mean.value == pytest.approx(np.mean(beaten))
    assert result.held_out == tuple(scores)


@pytest.mark.parametrize(("noise", "passes"), [(0.0, 63), (0.01, 273)])
def test_what_has_no_noise_is_attacked_on_one_draw(bright, make_set, noise, passes):
    suite = build_suite("eot-pgd", "Linf", "2/255")
    result = evaluate(
        bright(noise=noise), make_set(NORMAL, ANOMALOUS), [suite], protocol=Protocol()
    )
    (row,) = [r for r in result.rows if r.attack == "eot-pgd"]
    assert row.budget.passes == passes


def test_maps_of_clean_images_are_of_all_fresh_draws_too(bright, make_set):
    data, detector = make_set(NORMAL, ANOMALOUS), bright(noise=40 / 255)
    suite = build_suite("map-pgd", eps=0.0, steps=1)
    rows = evaluate(detector, data, [suite], protocol=Protocol(12, gallery=0)).rows
    clean, attacked = (
        next(r for r in rows if (r.attack, r.target) == (name, "pixel"))
        for name in ("clean", "map-pgd")
    )
    assert clean.fresh_draws == 12
    assert clean.single.value < clean.mean.value
    assert (clean.mean, clean.single) == (attacked.mean, attacked.single)  # by nothing


def test_the_seconds_of_a_clean_image_are_those_of_one_score(bright, make_set, monkeypatch):
    detector, scored = bright().calibrate(torch.rand(3, 3, 16, 16)), []
    detector.register_forward_hook(lambda *_: scored.append(1))
    monkeypatch.setattr("time.perf_counter", lambda: len(scored))
    result = evaluate(detector, make_set(NORMAL, ANOMALOUS), [], protocol=Protocol(batch_size=1))
    assert result.rows[0].seconds_per_image == 1


def test_four_noise_columns(bright, make_set):
    data = make_set(NORMAL, ANOMALOUS)
    detector = bright(noise=4 / 255)
    result = evaluate(detector, data, [pgd(1, fixed=True)], protocol=Protocol(12, gallery=0))
    row = next(r for r in result.rows if r.attack == "pgd")
    scores = result.outputs["pgd"]
    assert scores.shape == (8, 12)
    assert row.mean.value == auroc(scores.mean(1), result.labels)
    singles = [auroc(scores[:, d], result.labels) for d in range(12)]
    assert row.single.value == pytest.approx(np.mean(singles))
    worst = np.where(result.labels, scores.min(1), scores.max(1))
    assert row.worst.value == auroc(worst, result.labels) < row.mean.value
    assert row.fixed is not None
    assert row.fresh_draws == 12
    assert row.flags == ("not audited",)


def test_same_seed_same_result_and_other_batches_other_noise(bright, make_set):
    data, detector = make_set(NORMAL, ANOMALOUS), bright(noise=4 / 255)
    runs = [
        evaluate(detector, data, [pgd(1)], protocol=Protocol(seed=s, gallery=0)).outputs["pgd"]
        for s in (0, 0, 1)
    ]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_a_folder_is_decoded_as_the_detector_takes_its_files(bright, make_set):
    data = make_set(NORMAL, ANOMALOUS)
    detector = bright().calibrate(data.validation.images())
    detector.calibration = replace(detector.calibration, aspect="keep", bits=12)
    _, found = matched(detector, data.root)
    assert found.test.decoding == detector.decoding


def test_out_of_time_is_said(bright, make_set):
    data = make_set(NORMAL, ANOMALOUS)
    result = evaluate(
        bright(),
        data,
        [pgd(1)],
        protocol=Protocol(curve=[1 / 255]),
        execution=Execution(max_minutes=1e-9),
    )
    assert [r.attack for r in result.rows if r.attack == "pgd"] == []
    assert any("pgd covers 0 of 8" in n for n in result.notes)


def test_missing_masks_are_said_and_image_metrics_stay(bright, make_set):
    result = evaluate(bright(), make_set(NORMAL, ANOMALOUS, masks=False), [], protocol=PLAIN)
    assert all(r.target == "image" for r in result.rows)
    (note,) = [n for n in result.notes if "no mask" in n]
    assert "4 of 8 test images are anomalous and have no mask (test/bright/000.png" in note


@pytest.mark.parametrize(
    ("masks", "has_maps", "said"),
    [(False, True, "a mask of every anomalous test image"), (True, False, "Bright gives scores")],
)
def test_an_attack_of_a_map_without_masks_is_refused_first(bright, make_set, masks, has_maps, said):
    detector, told = bright(), []
    detector.has_maps = has_maps
    suites = [pgd(2), build_suite("map-pgd", steps=1)]
    execution = Execution(progress=lambda *one: told.append(one))
    with pytest.raises(ValueError, match=f"suites map-pgd attack the map, .*{said}"):
        evaluate(detector, make_set(NORMAL, ANOMALOUS, masks=masks), suites, execution=execution)
    assert told == []


def test_a_test_set_of_one_kind_is_refused(bright, make_set):
    with pytest.raises(ValueError, match="no anomalous image"):
        evaluate(bright(), make_set(NORMAL, []), [])


def test_report_of_a_real_evaluation(bright, make_set, tmp_path):
    data = make_set(NORMAL, ANOMALOUS)
    result = evaluate(bright(), data, [pgd(2)], protocol=Protocol(gallery=4, curve=[2 / 255]))
    page = write_html(result, tmp_path / "report.html").read_text()
    assert "Bright on set" in page
    assert json.loads(json.dumps(result.to_json()))["rows"][0]["attack"] == "clean"
    assert [g.anomalous for g in result.gallery] == [True, True, False, False]
    assert all(g.attacked is not None for g in result.gallery)


def test_a_curve_in_l2_speaks_of_its_length(bright, make_set, tmp_path):
    data, suite = make_set(NORMAL, ANOMALOUS), build_suite("pgd", "L2", 0.2, steps=2)
    protocol = Protocol(gallery=0, curve=[0.2])
    result = evaluate(bright(), data, [suite], norm="L2", protocol=protocol)
    assert {curve.x_label for curve in result.curves} == {"L2 eps"}
    page = write_html(result, tmp_path / "report.html").read_text()
    assert "L2 radius (eps)" in page
    assert "L-inf radius (eps)" not in page


def test_gallery_takes_positions_not_results(bright):
    labels = np.array([False] * 10 + [True] * 5)
    subject = DetectorSubject(bright(), torch.zeros(15, 3, 16, 16), labels)
    picked = subject.chosen(4)
    assert picked == [2, 7, 11, 13]
    assert sum(labels[picked]) == 2
    assert subject.chosen(0) == []
    assert len(subject.chosen(100)) == 15


def test_what_a_look_at_clean_images_costs_is_counted_in_outputs(bright, make_set):
    """One that averages four draws in a score is asked as often as one that takes one."""
    data = make_set(NORMAL, ANOMALOUS)
    one, four = (DetectorSubject.of(bright(noise=0.1), data) for _ in range(2))
    four.model.draws = 4
    suite = build_suite("pgd", steps=2)
    asked = []
    four.model.register_forward_hook(lambda *_: asked.append(1))
    with four.at_rest():
        attack_batch(four, None, Protocol(fresh_draws=12), 0)
    assert attack_cost(four, None, 12) == attack_cost(one, None, 12) == len(asked) / 3
    rest = [attack_cost(s, suite, 12) - attack_cost(s, suite, 0) for s in (one, four)]
    assert rest == pytest.approx([4, 4])


def test_points_of_a_curve_are_of_as_many_draws_as_its_beginning(bright, make_set):
    """Fewer draws average less noise: beside a mean of forty, four alone would look like harm."""
    data = make_set(NORMAL, ANOMALOUS)
    protocol = Protocol(40, gallery=0, curve=[1e-9], corruptions=[1])
    result = evaluate(bright(noise=0.1), data, [], protocol=protocol)
    (points,) = result.curves[0].lines.values()
    four = auroc(result.outputs["clean"][:, :4].mean(1), result.labels)
    assert four != result.rows[0].mean.value
    assert [point.value for _, point in points] == [four, four]
    for one in result.corruptions:
        assert one.change == one.figure.value - four


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"curve": [2 / 255, 2.0]}, "more than the whole range of a pixel"),
        ({"curve": [-1 / 255]}, "eps must be a finite number >= 0"),
        ({"curve": (), "corruptions": [1, 6]}, "corruptions must be severities of 1 to 5, got 6"),
        ({"curve": (), "corruptions": [2.5]}, "severities of 1 to 5, got 2.5"),
    ],
)
def test_what_a_curve_cannot_have_is_refused_before_any_attack(bright, make_set, asked, said):
    data, told = make_set(NORMAL, ANOMALOUS), []
    execution = Execution(progress=lambda *one: told.append(one))
    with pytest.raises(ValueError, match=said):
        evaluate(bright(), data, [pgd(2)], protocol=Protocol(**asked), execution=execution)
    assert told == []


@pytest.mark.parametrize(
    ("name", "own", "said"),
    [
        ("a3", {}, 'suite=.a3.: objective="decision" needs a threshold: calibrate the detector'),
        ("eot-pgd", {"objectives": ("score", "ce")}, "objective='ce' is not of a score"),
        ("eot-pgd", {"draws": 0}, "draws must be at least 1, got 0"),
    ],
)
def test_an_attack_that_the_detector_cannot_have_is_refused_first(
    bright, make_set, name, own, said
):
    """Not after the clean images and the attacks before it."""
    data, told = make_set(NORMAL, ANOMALOUS), []
    execution = Execution(progress=lambda *one: told.append(one))
    suites = [pgd(1), build_suite(name, steps=2, **own)]
    with pytest.raises(ValueError, match=said):
        evaluate(bright(), data, suites, execution=execution)
    assert told == []
