import numpy as np
import pytest

from hardsight.attacks import L2, Linf
from hardsight.data import published_sets
from hardsight.detectors.methods import METHODS
from hardsight.evaluation.published import (
    all_figures,
    first,
    known_of,
    published_accuracy,
    published_auroc,
    published_average,
    tables,
)
from hardsight.evaluation.published.tables import papers

SMALL, LARGE = Linf(2 / 255), Linf(8 / 255)
TABLES = {(t.paper, t.table): t for t in tables()}
PRINTED = {
    "FreeRAD": range(1, 15),
    "PatchGuard": range(7, 22),
    "Blau et al.": range(1, 4),
    "RAP": [*range(1, 7), "Section 4.5"],
}
WRONG = {("FreeRAD", "2"): {6, 7}, ("FreeRAD", "3"): {3}, ("FreeRAD", "5"): {0, 2}}
"""Columns whose printed average is not that of the rows; the remarks of the file say so."""


def column(table, **facts):
    """The values of the figures of a table that have some facts."""
    found = [f for f in table.figures() if f.matches(facts)]
    assert found
    return [f.printed for f in found]


@pytest.mark.parametrize("paper", PRINTED)
def test_every_table_is_there_once(paper):
    assert [t.table for t in tables() if t.paper == paper] == [str(n) for n in PRINTED[paper]]


def test_no_figure_is_typed_twice():
    seen = set()
    beside = {("FreeRAD", "5"), ("FreeRAD", "8"), ("FreeRAD", "10"), ("FreeRAD", "13")}
    for figure in all_figures():
        if (figure.paper, figure.table) in beside or figure.paper == "RAP":
            continue  # printed again in another precision, or RobustBench's of one paper
        key = (figure.paper, tuple(sorted(figure.facts.items())))
        assert key not in seen, key
        seen.add(key)


@pytest.mark.parametrize(("key", "table"), [(k, t) for k, t in TABLES.items() if t.average])
def test_printed_averages_are_those_of_the_rows(key, table):
    mean = np.mean(np.array(table.values, float), axis=0)
    off = {i for i, (a, b) in enumerate(zip(mean, table.average, strict=True)) if abs(a - b) > 0.06}
    assert off == WRONG.get(key, set())


@pytest.mark.parametrize("number", ["13", "14", "15"])
@pytest.mark.parametrize("target", ["image", "pixel"])
@pytest.mark.parametrize("attack", ["clean", "pgd"])
def test_patchguards_averages_are_those_of_its_categories(number, target, attack):
    table = TABLES["PatchGuard", number]
    whole = {"data": table.facts["data"], "target": target, "attack": attack}
    printed = first(TABLES["PatchGuard", "8"].figures(), whole)
    mean = np.mean(column(table, target=target, attack=attack))
    assert mean == pytest.approx(printed.printed, abs=0.1)  # some are cut off, not rounded


def test_freerads_steps_are_those_of_its_clean_figures():
    steps = {f.facts["category"]: f.printed for f in TABLES["FreeRAD", "7"].figures()}
    assert len(steps) == 15
    for category, k in steps.items():
        found = column(TABLES["FreeRAD", "8"], category=category, k=k)
        main = column(TABLES["FreeRAD", "2"], category=category, method="FreeRAD", attack="clean")
        assert found == main
        one = [f for f in TABLES["FreeRAD", "10"].figures() if f.facts["category"] == category]
        assert not one or one[0].printed == main[0]


def test_differences_and_ratios_are_those_of_their_columns():
    for row in TABLES["FreeRAD", "5"].values:
        assert row[2] == pytest.approx(row[1] - row[0])
        assert row[5] == pytest.approx(row[4] - row[3])
    for row in TABLES["FreeRAD", "11"].values:
        np.testing.assert_allclose(row[6:], np.array(row[1:6]) / row[0], rtol=0.03)
    best = max(a for a in TABLES["FreeRAD", "2"].average[1:10:2] if a is not None)
    headline = [f.printed for f in TABLES["AdvRAD", "headline"].figures()]
    assert headline[0] - best == pytest.approx(headline[1])


@pytest.mark.parametrize("number", ["2", "3"])
def test_blaus_averages_are_those_of_the_threat_models(number):
    for row in TABLES["Blau et al.", number].rows:
        values, (unseen, everything) = np.array(row[3:7], float), row[7:]
        if row[0] == "PAT":
            assert values.mean() == pytest.approx(34.095)  # the paper prints 34.01
            continue
        trained_on = row[1] == "Linf 8/255" and number == "2"
        assert np.mean(values[1:] if trained_on else values) == pytest.approx(unseen, abs=0.011)
        assert np.mean(values) == pytest.approx(everything, abs=0.011)


def test_raps_tables_agree():
    for number, norm in (("1", "Linf"), ("2", "L2")):
        (clean, robust, *_), *others = TABLES["RAP", number].values
        summary = next(row for row in TABLES["RAP", "4"].rows if row[:2] == ("rap", norm))
        assert summary[2] == pytest.approx(clean, abs=0.06)
        assert summary[3 if norm == "Linf" else 4] == pytest.approx(robust, abs=0.06)
        ranked = [row[2] or row[1] if number == "1" else row[1] for row in others]
        assert ranked == sorted(ranked, reverse=True)


def test_figures_are_of_known_data_sets_and_in_range():
    sets = published_sets()
    for figure in all_figures():
        held = sets[figure.facts["data"]]
        category = figure.facts.get("category")
        assert category is None or category in held.categories, figure
        assert figure.unit != "%" or -10 <= figure.printed <= 100
    for number in ("13", "14", "15", "16", "17", "18"):
        table = TABLES["PatchGuard", number]
        assert {row[0] for row in table.rows} == sets[table.facts["data"]].categories.keys()


def test_a_figure_is_found_by_what_it_is_of():
    found = published_auroc("FreeRAD", "bottle", "pgd", SMALL)
    assert (found.value, found.place) == (pytest.approx(0.881), "FreeRAD, Table 2")
    found = published_auroc("FreeRAD", "bottle", "eot-pgd", L2(0.2))
    assert (found.value, found.place) == (pytest.approx(0.943), "FreeRAD, Table 5")
    found = published_auroc("CFA", "bird", "pgd", L2(0.2))
    assert (found.value, found.place) == (pytest.approx(0.017), "FreeRAD, Table 14")
    found = published_auroc("FreeRAD", "bottle", "autoattack-rand", SMALL)
    assert found.value == pytest.approx(0.734)
    assert published_auroc("SPADE", "screw", "clean").value == pytest.approx(0.667)
    assert published_auroc("FreeRAD", "carpet", "clean").value == pytest.approx(0.827)
    table, facts = TABLES["FreeRAD", "8"], {"category": "carpet"}
    assert first(table.figures(), facts, k=25.0).value == pytest.approx(0.718)
    assert first(table.figures(), facts) is None


def test_what_no_paper_measured_has_no_figure():
    assert published_auroc("FreeRAD", "bottle", "pgd", LARGE) is None
    assert published_auroc("FreeRAD", "bottle", "pgd") is None
    assert published_auroc("FreeRAD", "brick", "clean") is None
    assert published_auroc("FreeRAD", "bottle", "clean", target="pixel") is None
    assert published_auroc("SPADE", "bottle", "eot-pgd", SMALL) is None
    assert published_auroc(None, "bottle", "clean") is None


def test_an_attack_of_the_map_stands_beside_figures_of_pixels():
    assert published_auroc("PatchGuard", "screw", "clean").value == pytest.approx(0.554)
    found = published_auroc("PatchGuard", "screw", "pgd", LARGE)
    assert (found.value, found.place) == (pytest.approx(0.566), "PatchGuard, Table 13")
    pixel = published_auroc("PatchGuard", "screw", "map-pgd", LARGE, "pixel")
    assert pixel.value == pytest.approx(0.865)
    assert published_auroc("PatchGuard", "screw", "pgd", LARGE, "pixel") is None
    assert published_auroc("PatchGuard", "screw", "map-pgd", LARGE) is None
    assert published_auroc("PatchGuard", "pcb4", "pgd", LARGE).value == pytest.approx(0.921)


def test_averages_are_over_all_categories():
    found = published_average("PLS", "clean")
    assert (found.value, found.place) == (pytest.approx(0.464), "FreeRAD, Table 4")
    assert published_average("RAE", "pgd", L2(0.2)).place == "FreeRAD, Table 12"
    assert published_average("FreeRAD", "pgd", SMALL).value == pytest.approx(0.805)
    assert published_average("FreeRAD", "bpda", SMALL).value == pytest.approx(0.883)
    assert published_average("PatchGuard", "pgd", LARGE).value == pytest.approx(0.711)
    assert published_average("FreeRAD", "eot-pgd", SMALL) is None  # of four categories only
    assert published_average("PLS", "bpda", SMALL) is None
    assert published_average(None, "clean") is None


def test_accuracies_are_those_of_the_threat_model():
    assert published_accuracy("ddim", "blau-eot", LARGE).value == pytest.approx(0.5105)
    assert published_accuracy("ddim", "blau-eot", L2(2.0)).place == "Blau et al., Table 2"
    assert published_accuracy("rap", "autoattack-rand", LARGE).value == pytest.approx(0.7324)
    assert published_accuracy("rap-mnist", "bim", L2(1.5)).value == pytest.approx(0.935)
    assert published_accuracy("diffpure", "bpda-eot", LARGE).value == pytest.approx(0.814)
    assert published_accuracy("ddim", "blau-eot", L2(0.7)) is None
    assert published_accuracy(None, "clean", None) is None


def test_what_is_known_of_the_figures_comes_with_them():
    methods = {figure.facts["method"] for figure in all_figures()}
    remarked = [name for paper in papers().values() for name in paper["remarks"]]
    assert set(remarked) <= methods
    assert any("withdrawn" in sentence for sentence in known_of("rap"))
    assert known_of(None) == ()


def test_every_method_that_freerad_measured_names_its_figures():
    named = {method.detector.paper for method in METHODS.values()}
    measured = {f.facts["method"] for f in all_figures() if f.paper == "FreeRAD"}
    assert measured - {"CFA"} <= named
