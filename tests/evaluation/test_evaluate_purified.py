from dataclasses import replace

import pytest

from bright import Bright
from hardsight.attacks import build_suite
from hardsight.data import load
from hardsight.detectors.adapters.purification import Purification
from hardsight.diffusion import FastDenoiser
from hardsight.evaluation import Execution, Protocol, evaluate, evaluate_purified

BRIEF = Protocol(2, gallery=1)


@pytest.fixture(scope="module")
def purification():
    return Purification(FastDenoiser(16, channels=8, multipliers=(1, 1), patch=2))


@pytest.fixture(scope="module")
def data(parts):
    return load(parts, size=16)


def test_the_curve_has_every_depth_and_none_and_the_table_is_of_the_first(purification, data):
    suites = [build_suite(name, eps="8/255", steps=1) for name in ("fgsm", "pgd")]
    detector = Bright(16)
    found = evaluate_purified(purification, (50, 100), detector, data, suites, protocol=BRIEF)
    (curve,) = found.curves
    assert (curve.x_label, list(curve.lines)) == ("t*", ["clean", "pgd"])
    for name, points in curve.lines.items():
        by = dict(points)
        assert list(by) == [0, 50, 100]
        row = next(row for row in found.rows if row.attack == name and row.target == "image")
        assert by[50] == row.mean
        alone = evaluate(detector, data, suites[1:], protocol=BRIEF)
        row = next(row for row in alone.rows if row.attack == name and row.target == "image")
        assert by[0] == row.mean
    assert "purifier" in found.provenance["detector"]
    assert found.title == f"Bright behind one-shot denoising on {data.name}"


def test_what_a_point_of_the_curve_is_not_of_is_said(purification, data, monkeypatch):
    monkeypatch.setattr("hardsight.evaluation.plan.minutes_until", lambda moment: 0.0)
    suite, detector = build_suite("pgd", eps="8/255", steps=1), Bright(16)
    protocol = replace(BRIEF, corruptions=(1,))
    found = evaluate_purified(purification, (50, 100), detector, data, [suite], protocol=protocol)
    lines = found.curves[-1].lines
    assert [[depth for depth, _ in points] for points in lines.values()] == [[0, 50, 100], [50]]
    late = [note for note in found.notes if "ran out" in note]
    assert late == [
        f"Time ran out: the curve at t* = {depth}, pgd, covers 0 of 8 images." for depth in (0, 100)
    ]  # and corruptions are of the first alone


def test_progress_names_the_depth_that_it_is_of(purification, data):
    told = []
    execution = Execution(
        progress=lambda stage, done, total, info="": told.append((stage, done == total, info))
    )
    suite = build_suite("fgsm", eps="8/255")
    evaluate_purified(
        purification, (50,), Bright(16), data, [suite], protocol=BRIEF, execution=execution
    )
    stages = ["evaluate, t* = 0", "evaluate, t* = 50"]
    assert list(dict.fromkeys(sorted(stage for stage, _, _ in told))) == stages
    ended = [(stage, over) for stage, over, info in told if info == "done"]
    assert sorted(ended) == [(stage, True) for stage in stages]


def test_it_wants_an_attack_of_the_score(purification, data):
    suite = build_suite("map-pgd", eps="8/255", steps=1)
    with pytest.raises(ValueError, match="no suite has one; add --suite pgd"):
        evaluate_purified(purification, (50,), Bright(16), data, [suite], protocol=BRIEF)


def test_the_curve_is_of_one_radius_where_the_table_has_several(purification, data):
    suites = [build_suite("pgd", eps=eps, steps=2) for eps in ("0", "64/255")]
    detector = Bright(16)
    found = evaluate_purified(purification, (50, 100), detector, data, suites, protocol=BRIEF)
    lines = found.curves[-1].lines
    at = dict(lines["pgd"])
    for depth in (50, 100):
        behind = purification.before(detector, depth)
        alone = evaluate(behind, data, suites[1:], protocol=BRIEF)
        assert at[depth] == alone.main[1].mean
    alone = evaluate(detector, data, suites[1:], protocol=BRIEF)
    assert at[0] == alone.main[1].mean
    assert at[0].value < dict(lines["clean"])[0].value


@pytest.mark.parametrize(
    ("depths", "said"), [((), "depths is empty"), ((50, 60), "depth must be a multiple of skip")]
)
def test_a_depth_that_cannot_be_is_refused_before_any_attack(purification, data, depths, said):
    suite, by_steps = build_suite("pgd", eps="8/255", steps=1), replace(purification, form="ddim")
    told = []
    execution = Execution(progress=lambda *one: told.append(one))
    with pytest.raises(ValueError, match=said):
        evaluate_purified(by_steps, depths, Bright(16), data, [suite], execution=execution)
    assert told == []
