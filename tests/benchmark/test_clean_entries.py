"""Entries without a threat, and the published figures of a variant."""

import csv
import json

import numpy as np
import pytest
import torch
from test_board import entry, figure, row

from hardsight.benchmark import (
    Measurement,
    Places,
    Plan,
    Workers,
    carry_out,
    entries,
    estimate,
    verify,
    write_site,
)
from hardsight.benchmark.clean import clean_lines
from hardsight.benchmark.entry import DataFacts
from hardsight.benchmark.estimate import REPORT
from hardsight.benchmark.variants import beside_published
from hardsight.core.speed import slowness
from hardsight.evaluation import Row


@pytest.fixture(scope="module")
def alone(plan, parts, tmp_path_factory):
    """The plan without a threat carried out: the plan, where, and its entry."""
    clean = Plan.model_validate(plan.model_dump() | {"threats": [], "seeds": [3]})
    places = Places(tmp_path_factory.mktemp("alone"), parts.parent)
    outcome = carry_out(clean, places, Workers(), lambda *what, **more: None)
    assert (len(outcome.finished), outcome.failed) == (1, {})
    (found,) = entries(places.results).items()
    return clean, places, found


def test_without_a_threat_all_test_images_are_left_alone(alone):
    plan, places, (path, found) = alone
    assert path.name == "clean.entry.json"
    assert (found.threat.name, found.attacked, found.audit) == ("clean", (), None)
    assert found.touched == {"clean": tuple(range(found.data.test_images))}
    assert len(found.scores["clean"]) == found.data.test_images > plan.how.images
    assert found.clean[0].seconds_per_image > 0
    job = next(plan.jobs())
    assert Measurement(job, plan, places).kept(plan.threats[0]) == found
    named = job.method.model_copy(update={"variant": {"k": 25.0}})
    other = Measurement(type(job)(named, job.data, job.category, job.seed), plan, places)
    assert other.kept(plan.threats[0]) is None


def test_its_scores_come_out_again(alone):
    _, _, (path, found) = alone
    (agreement,) = verify(found, path.parent / "run", seed=0)
    assert (agreement.attack, agreement.agrees) == ("clean", True)


def test_a_variant_stands_beside_its_own_published_figures():
    data = DataFacts(name="mvtec_ad", category="pill", split_sha256="", test_images=9, anomalous=5)
    rows = [
        row("clean", 0.9, published=0.972, place="FreeRAD, Table 2"),
        Row("pgd", "image", "AUROC", figure(0.5), norm="L2", eps=0.2),
        row("pgd", 0.4, published=0.39, place="FreeRAD, Table 2"),
    ]
    found = beside_published(rows, "FreeRAD", data, {"k": 25})
    assert [r.place for r in found] == ["FreeRAD, Table 8", "FreeRAD, Table 9", ""]
    assert [r.published for r in found] == [pytest.approx(0.98), pytest.approx(0.539), None]
    proposed = beside_published(rows, "FreeRAD", data, {})
    assert [r.place for r in proposed] == [f"FreeRAD, Table {n}" for n in (2, 3, 2)]
    textures = data.model_copy(update={"name": "textures", "category": "brick"})
    for variant in ({"k": 25}, {}):
        found = beside_published(rows, "FreeRAD", textures, variant)
        assert {r.published for r in found} == {None}


def steps(variant, seconds, category="toothbrush"):
    """An entry of FreeRAD without a threat, in a number of denoising steps."""
    clean = Row("clean", "image", "AUROC", figure(0.95), seconds_per_image=seconds)
    return entry(
        f"{variant} steps",
        category,
        paper="FreeRAD",
        variant={"steps": variant},
        threat={"suites": []},
        clean=[clean],
    )


def test_seconds_stand_beside_the_published_ones_of_the_same_steps():
    made = [steps("k", 40.0), steps("1", 0.1), steps("1", 0.2, "screw"), entry()]
    found = clean_lines(made)
    names = [(line.entry.data.category, line.entry.method) for line in found]
    assert names == [("screw", "1 steps"), ("toothbrush", "1 steps"), ("toothbrush", "k steps")]
    published = [line.published_seconds for line in found]
    assert published[0] is None  # Table 11 has toothbrush and transistor
    assert [p.value for p in published[1:]] == [0.5, 46.06]
    assert {p.facts["device"] for p in published[1:]} == {"NVIDIA Tesla K80"}


def test_the_page_shows_clean_figures_and_times_with_their_devices(tmp_path):
    for number, one in enumerate([steps("1", 0.125), steps("k", 31.25)]):
        one.write(tmp_path / f"results/{number}.entry.json")
    (tmp_path / "results/0.html").write_text("<p>report</p>", encoding="utf-8")
    page = write_site(tmp_path / "results", tmp_path / "site").read_text(encoding="utf-8")
    for said in ("31.2", "46.1", "NVIDIA Tesla K80; FreeRAD, Table 11", "x86_64 CPU (avx2)"):
        assert said in page
    assert "<script>" not in page  # there is nothing to rank
    assert not (tmp_path / "site/board.json").exists()
    (report,) = (tmp_path / "site/reports").iterdir()
    assert f'href="reports/{report.name}"' in page
    values = json.loads((tmp_path / "site/clean.json").read_text(encoding="utf-8"))
    with (tmp_path / "site/clean.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    np.testing.assert_allclose([float(r["published seconds"]) for r in rows], [0.5, 46.06])
    assert [v["seconds an image"] for v in values] == [0.125, 31.25]


def test_a_plan_by_denoising_steps_is_foretold_by_them(tmp_path):
    plan = Plan.read("freerad_denoising-cpu")
    for category in ("screw", "toothbrush"):
        (tmp_path / "mvtec256" / category).mkdir(parents=True)
    cpu = torch.device("cpu")
    made = estimate(plan, Places(tmp_path / "out", tmp_path), cpu)
    of_screw = [one for one in made if one.job.category == "screw"]
    report = REPORT * slowness(cpu)
    seconds = {one.job.method.label: one.seconds - report for one in of_screw}
    assert seconds["k steps"] == pytest.approx(2 * seconds["0.5 k steps"])  # and no training
    assert seconds["0.5 k steps"] == pytest.approx(10 * seconds["0.05 k steps"])
