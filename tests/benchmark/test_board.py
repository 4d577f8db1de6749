import pytest

from hardsight.benchmark import Entry
from hardsight.benchmark.board import lines
from hardsight.benchmark.standings import standings
from hardsight.evaluation import Row
from hardsight.evaluation.results import HELD_OUT, OBJECT_ALONE, Budget, Estimate


def figure(value):
    return Estimate(value, max(value - 0.1, 0.0), min(value + 0.1, 1.0))


def row(attack, value, **others):
    ball = {} if attack == "clean" else {"norm": "Linf", "eps": 2 / 255}
    return Row(
        attack, "image", "AUROC", figure(value), budget=Budget("fast", "PGD"), **ball, **others
    )


def entry(method="spade", category="bottle", seed=0, random=False, attacked=(), **others):
    pixel = [
        Row("clean", "image", HELD_OUT, figure(0.85)),
        Row("clean", "pixel", "AUROC", figure(0.95)),
        Row("clean", "pixel", OBJECT_ALONE, figure(0.7)),
    ]
    values = {
        "method": method,
        "preset": method,
        "paper": "SPADE" if method == "spade" else None,
        "random": random,
        "backbone": "tf_efficientnet_lite0 (bundled)",
        "weights": "0123",
        "data": {
            "name": "mvtec_ad",
            "category": category,
            "split_sha256": "ab",
            "test_images": 83,
            "anomalous": 63,
            "note": "resized to 256",
        },
        "seed": seed,
        "threat": {},
        "how": {"images": 24},
        "clean": [row("clean", 0.9), *pixel],
        "attacked": [row("clean", 0.9), *attacked],
        "touched": {"attacked": list(range(24))},
        "made": {"hardsight": "0.1.0", "torch": "2.15.0", "hardware": "x86_64 CPU (avx2)"},
    }
    return Entry.model_validate(values | others)


def test_a_line_is_of_the_attack_that_leaves_least():
    attacked = [row("pgd", 0.4, published=0.0, place="FreeRAD, Table 2"), row("apgd", 0.2)]
    (line,) = lines([entry(attacked=attacked)])
    assert (line.attacked.attack, line.robust.value, line.noise) == ("apgd", 0.2, "mean")
    assert line.clean.value == 0.9
    assert line.compared.attack == "pgd"
    assert line.row(HELD_OUT, "image").mean.value == 0.85
    values = line.values()
    assert values["object alone"] == 0.7
    assert (values["published"], values["measured beside"]) == (0.0, 0.4)
    assert values["page"] == "methods/spade.html#spade_mvtec_ad_bottle_seed_0_Linf_2_255"
    assert any("resized" in sentence for sentence in line.why)
    assert any("24 of 83" in sentence for sentence in line.why)
    (unpublished,) = lines([entry(attacked=[row("apgd", 0.2)])])
    assert unpublished.why == ()


def test_what_attacked_images_had_before_stands_beside_what_all_have():
    """Clean of all 83 images, robust of 24: one may be above the other without any gain."""
    hit = row("pgd", 0.93)
    other = entry(category="screw", attacked=[hit], clean=[row("clean", 0.8)])
    (standing,) = standings(lines([entry(attacked=[hit]), other]))
    assert standing.clean == pytest.approx(0.85)
    assert standing.before == pytest.approx(0.9)
    assert standing.first.spent.endswith("24 of 83 images")
    assert standing.first.values()["clean, attacked images"] == 0.9
    (whole,) = standings(lines([entry(attacked=[hit], touched={}, how={"images": 83})]))
    assert whole.before is None
    unknown = Entry.model_validate(entry().model_dump() | {"attacked": [hit]})
    assert standings(lines([unknown]))[0].before is None


def test_what_draws_noise_is_ranked_by_its_worst_or_fixed_noise():
    noisy = row("pgd", 0.8, worst=figure(0.5), fixed=figure(0.3))
    (line,) = lines([entry(random=True, attacked=[noisy])])
    assert (line.robust.value, line.noise) == (0.3, "fixed")
    (line,) = lines([entry(random=False, attacked=[noisy])])
    assert (line.robust.value, line.noise) == (0.8, "mean")


def test_an_entry_without_an_attack_is_no_line():
    assert lines([entry()]) == []


def test_standings_average_seeds_and_then_categories():
    made = [
        entry(category=category, seed=seed, attacked=[row("pgd", value, published=published)])
        for category, seed, value, published in (
            ("bottle", 0, 0.2, 0.1),
            ("bottle", 1, 0.4, 0.1),
            ("screw", 0, 0.9, None),
        )
    ]
    better = entry("best", attacked=[row("pgd", 0.7)])
    whole, part = standings(lines([*made, better]))
    assert part.first.entry.method == "best"  # of one category, and behind all of two
    assert whole.robust == pytest.approx((0.3 + 0.9) / 2)
    assert part.robust > whole.robust
    assert (whole.categories, whole.seeds) == (("bottle", "screw"), 2)
    assert whole.spread == (0.2, 0.9)
    published, measured, _ = whole.compared  # over bottle alone
    assert (published, measured) == (pytest.approx(0.1), pytest.approx(0.3))


def test_most_methods_come_first_then_robust_then_clean_figures():
    """More methods have L-inf than L2, which the alphabet would put first."""
    made = [
        entry("one", attacked=[row("pgd", 0.9)], threat={"norm": "L2"}),
        *(
            entry(method, clean=[row("clean", clean)], attacked=[row("pgd", robust)])
            for method, clean, robust in (("a", 0.7, 0.5), ("b", 0.8, 0.5), ("c", 0.6, 0.6))
        ),
    ]
    assert [s.first.entry.method for s in standings(lines(made))] == ["c", "b", "a", "one"]


def test_an_attack_that_lost_its_gradient_fails_whatever_the_audit_said():
    flags = ("unreliable: finite gradients: Non-finite gradients on 2 of 24 images.",)
    facts = {"headline": "", "stamp": [], "norm": "Linf", "eps": 0.01, "budget": "quick"}
    lost = entry(attacked=[row("pgd", 0.5, flags=flags)], audit={"verdict": "pass", **facts})
    (line,) = lines([lost])
    assert line.audit == "fail"


def test_an_average_over_fewer_categories_than_others_have_is_told():
    made = [
        entry(method, category, attacked=[row("pgd", 0.5)])
        for method, category in (("a", "bottle"), ("a", "screw"), ("b", "screw"))
    ]
    alone = entry("c", "bottle", attacked=[row("pgd", 0.5)], threat={"norm": "L2"})
    found = {s.first.entry.method: s for s in standings(lines([*made, alone]))}
    assert {name: s.partial for name, s in found.items()} == {"a": False, "b": True, "c": False}
    assert found["b"].measured == {"bottle", "screw"}


def test_the_audit_that_says_least_counts():
    facts = {"headline": "", "stamp": [], "norm": "Linf", "eps": 0.01, "budget": "quick"}
    audits = [{"verdict": verdict, **facts} for verdict in ("pass", "warn")]
    made = [
        entry(seed=k, attacked=[row("pgd", 0.5)], audit=audit)
        for k, audit in enumerate([*audits, None])
    ]
    (standing,) = standings(lines(made[:2]))
    assert standing.audit == "warn"
    (standing,) = standings(lines(made))
    assert standing.audit == "not audited"
    assert (standing.audited, len(standing.lines)) == (2, 3)


def test_a_standing_names_the_noise_that_each_of_its_lines_is_ranked_by():
    worst = row("pgd", 0.8, worst=figure(0.3), fixed=figure(0.5))
    fixed = row("pgd", 0.8, worst=figure(0.5), fixed=figure(0.3))
    made = [
        entry(category=category, random=True, attacked=[attacked])
        for category, attacked in (("bottle", fixed), ("screw", worst))
    ]
    (standing,) = standings(lines(made))
    assert standing.noise == "worst or fixed"
    assert standings(lines(made[:1]))[0].noise == "fixed"


def test_attacked_images_are_those_touched_or_asked_for_or_all():
    found = [
        lines([entry(attacked=[row("pgd", 0.5)], **others)])[0].images
        for others in ({}, {"touched": {}}, {"touched": {}, "how": {"images": None}})
    ]
    assert found == [24, 24, 83]
    assert "24 of 83 images" in lines([entry(attacked=[row("pgd", 0.5)])])[0].spent
