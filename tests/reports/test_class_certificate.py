import json
import math
import re

import numpy as np
import pytest

from hardsight.certify import ABSTAIN
from hardsight.evaluation.certified.plan import Terms
from hardsight.evaluation.certified.results import AttackedVote, ClassCertification
from hardsight.reports import write_html, write_json, write_markdown
from hardsight.reports.certified_classes import (
    accuracy_svg,
    cells,
    headline,
    limits,
    remarks,
    warnings,
)


def found(**changes) -> ClassCertification:
    """Four images: right and far, right and near, wrong and far, without a class."""
    values = {
        "title": "a | b",
        "terms": Terms(0.25, 1000, 0.001, 0.5, (0.0, 0.1, 0.4)),
        "joint": False,
        "index": np.arange(4),
        "labels": np.array([0, 1, 1, 0]),
        "predicted": np.array([0, 1, 0, ABSTAIN]),
        "radii": np.array([0.5, 0.2, 0.5, math.nan]),
        "values": 784,
        "seconds_per_image": 0.5,
        "classes": ("<zero>", "one"),
        "provenance": {"run": "x"},
        "notes": ("Only 4 of 9 images.",),
    }
    return ClassCertification(**(values | changes))


def test_the_table_is_the_share_that_is_right_and_sure():
    rows = [cells(found(), p) for p in found().rows]
    assert [r["accuracy"].main for r in rows] == ["50.0 %", "50.0 %", "25.0 %"]
    assert [r["radius"].main for r in rows] == ["0", "0.1", "0.4"]
    assert rows[2]["linf"].main == f"{255 * 0.4 / 28:.2g}/255"
    # Clopper-Pearson of 2 of 4: the quantiles of Beta(2, 3) and Beta(3, 2) are symmetric
    assert rows[0]["interval"].main == "6.8 to 93.2 %"
    assert headline(found()).startswith("50.0 % are certainly right when left alone, 25.0 %")


def test_several_certificates_are_all_written(tmp_path):
    path = write_json([found(), found(title="c")], tmp_path / "c.json")
    written = json.loads(path.read_text())["certificates"]
    assert [one["title"] for one in written] == ["a | b", "c"]


def test_what_is_not_said_is_said():
    text = " ".join([*remarks(found()), *limits(found())])
    assert "4 images; 1 got no class" in text
    assert "Only 4 of 9" in text
    assert f"a radius of {8 / 255 * 28:.3g}" in text
    few = found(terms=Terms(0.25, 5, 0.001, 0.5, (0.0,)))
    assert "too few to certify anything" in " ".join(remarks(few))
    assert "all statements together" in " ".join(remarks(found(joint=True)))


def test_the_three_files(tmp_path):
    write_json(found(), tmp_path / "c.json")
    write_markdown(found(), tmp_path / "c.md")
    write_html(found(), tmp_path / "c.html")
    held = json.loads((tmp_path / "c.json").read_text())
    assert [i["predicted"] for i in held["images"]] == ["<zero>", "one", "<zero>", None]
    assert [i["radius"] for i in held["images"]] == [0.5, 0.2, 0.5, None]
    assert held["abstained"] == 0.25
    text = (tmp_path / "c.md").read_text()
    assert "a \\| b" in text
    assert "| 0.4 |" in text
    page = (tmp_path / "c.html").read_text()
    assert "http" not in page.split("</style>")[1]  # nothing is loaded from elsewhere
    assert "50.0" in page


ABOVE = AttackedVote("eot-pgd", 0.1, 0.75, 0.5, 4, 0)
"""An attack that leaves more than is certified."""


def test_empirical_accuracy_stands_beside_the_certified_one(tmp_path):
    one = found(attacks=(ABOVE, ABOVE._replace(radius=0.4, accuracy=0.5, certified=0.25)))
    assert warnings(one) == []
    page = write_html(one, tmp_path / "c.html").read_text()
    assert "under eot-pgd" in page  # in the figure's legend
    assert "they must lie above it" in page
    assert "Accuracy attacked" in page
    assert "Warning" not in page
    text = write_markdown(one, tmp_path / "c.md").read_text()
    assert "| eot-pgd | 0.1 | 75.0 % | 50.0 % | 4 | 0 |" in text
    held = json.loads(write_json(one, tmp_path / "c.json").read_text())
    assert held["attacks"][1]["accuracy"] == 0.5
    assert "under" not in accuracy_svg(found())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"accuracy": 0.25}, "Chance of the votes"),
        ({"accuracy": 0.25, "broken": 2}, "The certificate is false"),
        ({"broken": 1}, "1 of 4 images certainly lost"),
    ],
)
def test_a_certified_accuracy_above_an_empirical_one_is_a_warning(changes, message, tmp_path):
    one = found(attacks=(ABOVE._replace(**changes),))
    (said,) = warnings(one)
    assert message in said
    for write, name in ((write_html, "c.html"), (write_markdown, "c.md")):
        assert "Warning: within an L2 radius of 0.1" in write(one, tmp_path / name).read_text()


def test_the_curve_ends_where_nothing_is_certain():
    svg = accuracy_svg(found(radii=np.full(4, math.nan), predicted=np.full(4, ABSTAIN)))
    assert svg.startswith("<svg")
    assert headline(found(radii=np.full(4, math.nan))).startswith("0.0 %")


@pytest.mark.parametrize("radii", [(0.0,), (0.0, 0.1)])
def test_a_headline_names_the_last_radius(radii):
    one = found(terms=Terms(0.25, 1000, 0.001, 0.5, radii))
    assert ("L2 radius" in headline(one)) == (len(radii) > 1)


def test_no_name_of_a_line_is_cut_off():
    long = "autoattack-rand on the smoothed vote"
    attacks = tuple(AttackedVote(long, r, 0.25, 0.5, 4, 0) for r in (0.1, 0.4))
    svg = accuracy_svg(found(attacks=attacks))
    (width,) = re.findall(r'viewBox="0 0 ([0-9.]+) ', svg)
    (left,) = re.findall(rf'x="([0-9.]+)"[^>]*>under {long}</text>', svg)
    assert float(left) + 4.8 * len(f"under {long}") < float(width)


def test_the_plot_has_the_unit_of_the_table():
    svg = accuracy_svg(found())
    assert "in per cent" in svg
    assert ">100</text>" in svg
