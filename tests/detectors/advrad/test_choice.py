import json
import sys
from dataclasses import replace

import pytest
import torch
from sklearn.metrics import roc_auc_score
from tiny_detector import tiny_advrad, tiny_bastion

from hardsight.data import load
from hardsight.detectors.advrad.candidates import Candidate
from hardsight.detectors.advrad.choice import (
    attack_cost,
    by_side,
    choose_scoring,
    score_map_filters,
)
from hardsight.detectors.advrad.recipe import AdvRADFit, BastionFit
from hardsight.detectors.advrad.selection import Selection
from hardsight.detectors.fit_report import read_statement, write_report
from hardsight.detectors.fitted import Work

SMALL = Selection(
    ks=(50, 200),
    margins=(0.0, 0.06, 0.12),
    filter_sizes=(1, 3),
    aggregations=("max", "top:0.05", "mean"),
    map_filter_sizes=(1, 3, 7),
    images=6,
    copies=2,
    reference_images=8,
    steps=2,
    shortlist=3,
)


def normals(n: int, seed: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return torch.randint(90, 160, (n, 3, 16, 16), generator=g, dtype=torch.uint8)


@pytest.fixture(scope="module")
def chosen(request):
    detector = tiny_advrad()
    seen = []
    report = choose_scoring(
        detector,
        normals(12, 0),
        SMALL.evidence(normals(8, 1), seed=3),
        SMALL,
        seed=3,
        progress=lambda *a: seen.append(a[:3]),
    )
    return detector, report, seen


def test_every_candidate_is_reported_best_first(chosen):
    _, report, seen = chosen
    assert len(report.candidates) == 2 * 2 * 3 * 2 * 3 * 3
    attacked = [c for c in report.candidates if c.robust is not None]
    assert 1 <= len(attacked) <= 3
    assert list(report.candidates[: len(attacked)]) == attacked
    for group in (attacked, report.candidates[len(attacked) :]):
        ranks = [c.rank(0.5) for c in group]
        assert ranks == sorted(ranks, reverse=True)
    _, done, total = seen[-1]
    assert done == total


def test_an_attack_counts_as_often_as_a_k_is_looked_at_in_its_time():
    detector, passes, seen = tiny_advrad(), [0], []
    settings = SMALL.model_copy(update={"steps": 20, "shortlist": 1})
    first = next(m for m in detector.denoiser.modules() if isinstance(m, torch.nn.Conv2d))

    def looked(_, given):  # a pass back costs what a pass costs
        passes[0] += len(given[0]) * (1 + torch.is_grad_enabled())

    first.register_forward_pre_hook(looked)
    choose_scoring(
        detector,
        normals(12, 0),
        SMALL.evidence(normals(8, 1), seed=3),
        settings,
        progress=lambda _, done, *more: seen.append((done, passes[0])),
    )
    (_, one), (_, two), (attacked, after) = seen[:3]
    assert two == 2 * one
    assert attacked - 2 == pytest.approx((after - two) / one, rel=0.1)


def test_progress_moves_with_each_batch_of_an_attack():
    detector, seen = tiny_advrad(), []
    settings = SMALL.model_copy(update={"steps": 20, "shortlist": 1})
    evidence = settings.evidence(normals(6, 1), seed=0)
    each, images = attack_cost(detector, 12, evidence, settings), len(settings.few(evidence).images)
    assert images == 18
    choose_scoring(
        detector,
        normals(12, 0),
        evidence,
        settings,
        progress=lambda _, done, total, info: seen.append((done, info)),
    )
    moved = [done - len(settings.ks) for done, info in seen if info == "attacks"]
    assert moved[:3] == [8 * each // 18, 16 * each // 18, each]
    assert moved == sorted(moved)


def test_the_best_is_chosen_and_the_detector_left_as_it_was(chosen):
    detector, report, _ = chosen
    assert detector.scoring == tiny_advrad().scoring
    scoring = report.scoring_of(detector.scoring)
    assert scoring == report.best.scoring_of(detector.scoring)
    assert (scoring.k, scoring.filter_size) == (report.best.k, report.best.filter_size)
    assert scoring.map_filter_size == 1


def test_by_side_is_the_pixel_auroc_of_the_filtered_map():
    detector = tiny_advrad()
    evidence = SMALL.evidence(normals(6, 1), seed=0)
    images, masks = evidence.images, evidence.masks
    values = by_side(detector, images, masks, (1, 5), torch.Generator().manual_seed(2))
    for side, value in values.items():
        filtered = detector.with_scoring(replace(detector.scoring, map_filter_size=side))
        maps = filtered.predict(images, torch.Generator().manual_seed(2)).anomaly_map
        ranked = roc_auc_score(masks.flatten(), maps.flatten())
        assert value == pytest.approx(ranked, abs=1e-9)
    assert values[1] != values[5]


def test_map_filters_are_scored_on_clean_and_attacked_maps():
    """Clean as by side; attacked, at more than any image's contrast, far below."""
    detector, seen = tiny_advrad(map_filter_size=7, reference="error"), []
    settings = SMALL.model_copy(update={"eps": 0.3, "steps": 4})
    evidence = settings.evidence(normals(6, 1), seed=0)
    found = score_map_filters(
        detector, evidence, settings, torch.Generator().manual_seed(2), lambda *a: seen.append(a)
    )
    assert detector.scoring.map_filter_size == 7
    detector = detector.with_scoring(replace(detector.scoring, map_filter_size=1))
    shown = evidence.images, evidence.masks, settings.map_filter_sizes
    clean = by_side(detector, *shown, torch.Generator().manual_seed(0))
    for side, (untouched, attacked) in found.items():
        assert untouched == pytest.approx(clean[side], abs=0.1)  # of other noise
        assert attacked < untouched - 0.15
    assert seen[-1] == ("localise", 18, 18, "images")


def test_of_equal_maps_the_least_filtered_is_chosen(chosen):
    _, report, _ = chosen
    equal = {21: (0.9, 0.6), 9: (0.9, 0.6), 1: (0.8, 0.6)}
    trade = {1: (0.9, 0.6), 9: (0.89, 0.7)}
    lost = {1: (0.9, 0.2), 9: (0.89, 0.4)}
    for sides, wanted in ((equal, 9), (trade, 9), (lost, 1), ({}, 1)):
        assert replace(report, localising=sides).map_filter_size == wanted


def test_report_file(chosen, tmp_path):
    _, report, _ = chosen
    write_report(report, tmp_path / "selection.json")
    found = json.loads((tmp_path / "selection.json").read_text())
    assert found["settings"]["images"] == 6
    assert len(found["candidates"]) == len(report.candidates)
    assert found["candidates"][0]["k"] == report.best.k
    assert read_statement(tmp_path / "selection.json") == report.statement


def test_the_statement_tells_images_and_pixels_of_the_chosen_one(chosen):
    _, report, _ = chosen
    best = report.best
    told = f"an image AUROC of {best.clean:.3f}, and {best.robust:.3f} under attack at L-inf "
    assert f"the best of {len(report.candidates):,} scorings has {told}" in report.statement
    mapped = replace(report, localising={1: (0.9, 0.6), 9: (0.91, 0.7)}).statement
    assert "; of pixels 0.910 and 0.700." in mapped
    alone = replace(best, robust=None, transferred=0.25)
    assert "and 0.250 under attack" in replace(report, candidates=(alone,)).statement


def test_weight_moves_the_choice():
    clean = Candidate(50, "error", 0.0, 1, "error", "max", clean=1.0, transferred=0.2)
    robust = Candidate(50, "error", 0.0, 1, "error", "max", clean=0.8, transferred=0.9, robust=0.7)
    assert clean.selection_score(0.0) > robust.selection_score(0.0)
    assert clean.selection_score(1.0) < robust.selection_score(1.0) == 0.7


def test_how_far_below_chance_an_attack_leads_does_not_count():
    lost = Candidate(50, "error", 0.0, 1, "error", "max", clean=0.9, transferred=0.0)
    chance = Candidate(50, "error", 0.0, 1, "error", "max", clean=0.8, transferred=0.5)
    assert lost.selection_score(0.5) > chance.selection_score(0.5)


def test_of_a_tie_the_more_distant_is_chosen():
    how = (50, "error", 0.0, 1, "error", "max")
    tied = {"clean": 0.9, "transferred": 0.7}
    near = Candidate(*how, **tied, clean_distance=1.0, worst_distance=0.5)
    far = Candidate(*how, **tied, clean_distance=0.9, worst_distance=0.8)
    lost = Candidate(*how, **tied, clean_distance=2.0, worst_distance=-3.0)
    better = Candidate(*how, clean=0.91, transferred=0.7)
    assert near.rank(0.5) < far.rank(0.5) < lost.rank(0.5) < better.rank(0.5)


def test_one_validation_image_is_too_few():
    with pytest.raises(ValueError, match="at least 2 validation normals, got 1"):
        SMALL.evidence(normals(1, 1), seed=0)


@pytest.mark.parametrize("name", ["filter_sizes", "map_filter_sizes"])
def test_filters_are_refused_before_any_training(name):
    with pytest.raises(ValueError, match="filter_size must be odd and positive, got 4"):
        Selection(**{name: (3, 4)})


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("aggregations", ("max", "tp:0.1"), "aggregation='tp:0.1' is not known"),
        ("margins", (0.0, 3.0), "less than or equal to 1"),
        ("ks", (0,), "greater than or equal to 1"),
        *[
            (name, (), "at least 1 item")
            for name in ("ks", "averages", "margins", "filter_sizes", "references", "aggregations")
        ],
    ],
)
def test_what_no_search_can_try_is_refused_before_any_training(name, values, message):
    with pytest.raises(ValueError, match=message):
        Selection(**{name: values})


@pytest.mark.parametrize(
    ("settings", "fit", "message"),
    [
        ({}, {"selection": {"ks": (50, 2000)}}, "selection.ks must be at most 1000, .* got 2000"),
        (
            {},
            {"adversarial_training": {"k_low": 5, "k_high": 2000}},
            "adversarial_training.k_high must be at most 1000",
        ),
        ({"shots": 4}, {"selection": {}}, "shots=4 would be lost: a selection chooses among"),
    ],
)
def test_a_fit_refuses_steps_that_there_are_not_before_it_trains(parts, settings, fit, message):
    told = []
    with pytest.raises(ValueError, match=message):
        tiny_advrad(**settings).fit(
            load(parts, size=16), AdvRADFit(**fit), Work(progress=lambda *now: told.append(now))
        )
    assert told == []


@pytest.mark.parametrize(
    ("made", "fit"),
    [
        (tiny_advrad, AdvRADFit(adversarial_training={"foreground": "grad-cam"})),
        (tiny_bastion, BastionFit(map_head_training={"foreground": "grad-cam"})),
    ],
)
def test_a_fit_needs_what_finds_foregrounds_before_it_trains(parts, made, fit, monkeypatch):
    told = []
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(ImportError, match="Grad-CAM needs captum"):
        made().fit(load(parts, size=16), fit, Work(progress=lambda *now: told.append(now)))
    assert told == []
