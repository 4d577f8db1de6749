"""The official counts add up to what the papers print, and sets are told by their categories."""

from dataclasses import asdict
from pathlib import Path

import pytest

from hardsight.data import LAYOUTS, load
from hardsight.data.published import Counts, obtainable, published_as, published_sets
from trees import mvtec

SETS = published_sets()
IMAGES = {
    "mvtec_ad": 5354,
    "mvtec_loco": 3651,  # the archive's; 3,644 in the paper
    "mvtec_ad2": 8004 - 2 * 2045,  # without the private test images
    "visa": 10_821,
    "btad": 2540,
    "mpdd": 1346,
    "kolektor_sdd": 399,
    "kolektor_sdd2": 3335 - 246,  # without the defects of the training part
    "head_ct": 200,
}


@pytest.mark.parametrize("name", IMAGES)
def test_images_in_all(name: str) -> None:
    counts = asdict(SETS[name].total)
    parts = ("train", "validation", "good", "normal", "anomalous")
    assert sum(counts[part] or 0 for part in parts) == IMAGES[name]


@pytest.mark.parametrize("name", SETS)
def test_categories_add_up_to_the_total(name: str) -> None:
    one = SETS[name]
    rows = [asdict(counts) for counts in one.categories.values()]
    for column, total in asdict(one.total).items():
        values = [row[column] for row in rows]
        if total is not None and None not in values and values:
            assert sum(values) == total, column
    for row in rows:
        assert row["masks"] in (row["anomalous"], 0)
    assert set(one.layouts) <= LAYOUTS.keys()


def test_classes_add_up_to_mnist() -> None:
    rows = SETS["mnist"].categories.values()
    assert sum(row.train or 0 for row in rows) == 60_000
    assert sum(row.good or 0 for row in rows) == 10_000
    for row in [*rows, *SETS["cifar10"].categories.values()]:
        assert (row.good or 0) + (row.anomalous or 0) == 10_000


def test_no_category_is_of_two_sets() -> None:
    names = [name for one in SETS.values() for name in one.categories]
    assert len(names) == len(set(names))


def test_a_set_is_told_by_category_and_layout() -> None:
    for name, layout, title in (
        ("bottle", "mvtec", "MVTec AD"),
        ("tubes", "mvtec", "MPDD"),
        ("grid_cloth", "mvtec", "WFDD"),
        ("Mesh_114", "mvtec", "DTD-Synthetic"),
        ("candle", "mvtec", "VisA"),
        ("candle", "visa", "VisA"),
        ("can", "mvtec_ad2", "MVTec AD 2"),
        ("anything", "head_ct", "Head-CT"),
    ):
        found = published_as(name, layout)
        assert found is not None
        assert found.title == title
    for name, layout in (("can", "mvtec"), ("mine", "mvtec"), ("bottle", "good_bad")):
        assert published_as(name, layout) is None


def test_differences_are_of_what_is_official(tmp_path: Path) -> None:
    found = Counts.of(load(mvtec(tmp_path), size=8))
    assert found == Counts(train=8, validation=2, good=2, normal=12, anomalous=6, masks=6)
    assert found.differences(Counts()) == []
    assert found.differences(Counts(train=10, good=2, normal=12, anomalous=6, masks=6)) == []
    assert found.differences(Counts(train=10, validation=2, masks=5)) == [
        "8 train instead of 10",
        "6 masks instead of 5",
    ]
    assert Counts.total([found, found]).normal == 24


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("VisA_20220922", "; did you mean VisA? It is to be had from github.com/amazon-science/sp"),
        ("mvtec-ad-2", "; did you mean MVTec AD 2? It is to be had"),
        ("MVTec_AD", "; did you mean MVTec AD? It is to be had"),
        ("mvtec/cable", "; did you mean MVTec AD? It is to be had"),
        ("kolektorsdd2", "; did you mean KolektorSDD2? It is to be had"),
        ("parts/screws", ""),
    ],
)  # fmt: skip
def test_a_name_near_a_published_set_is_answered_by_a_question(path: str, said: str) -> None:
    found = obtainable(Path("data") / path)
    assert said in found
    assert bool(said) == bool(found)
