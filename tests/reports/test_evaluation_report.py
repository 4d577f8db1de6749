import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch

from hardsight.attacks.threats import Sticker
from hardsight.evaluation.alarms import counts
from hardsight.evaluation.results import (
    Curve,
    Estimate,
)
from hardsight.evaluation.verdict import judge
from hardsight.reports import write_html, write_json, write_markdown
from hardsight.reports.evaluation import html, markdown
from hardsight.reports.tables import COLUMNS, check_finite, table_row
from synthetic_evaluation import HOSTILE, synthetic


class Checker(HTMLParser):
    """Counts tags, sees that they nest, and keeps attributes and text."""

    void = frozenset({"meta", "img", "br", "link", "hr"})

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, k, v or "") for k, v in attrs]
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, k, v or "") for k, v in attrs]

    def handle_endtag(self, tag):
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def parsed(path):
    checker = Checker()
    checker.feed(Path(path).read_text(encoding="utf-8"))
    checker.close()
    assert checker.open == []
    return checker


def test_the_page_is_whole_and_needs_nothing_else(tmp_path):
    evaluation = synthetic()
    page = write_html(evaluation, tmp_path / "new" / "report.html")
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"https?:|//\w|@import", re.sub(r"base64,[^\"]*", "", text))
    checker = parsed(page)
    assert "script" not in checker.tags
    assert "link" not in checker.tags
    for tag, name, value in checker.attributes:
        if name in ("src", "href", "xlink:href"):
            assert value.startswith(("data:image/jpeg;base64,", "#")), (tag, name, value[:40])
    assert checker.tags.count("svg") == 3
    assert checker.tags.count("img") == 1 + 2 * 6
    assert checker.tags.count("tr") == 1 + 4 + 1 + 3 + 5  # results, alarms, provenance
    shown = " ".join(checker.text).replace("L-inf", "")
    assert not re.search(r"\b(nan|inf|None)\b", shown)
    assert list((tmp_path / "new").iterdir()) == [page]


def test_hostile_names_are_shown_and_not_obeyed(tmp_path):
    evaluation = synthetic()
    for kept in (evaluation.outputs, evaluation.decided):
        kept["<script>$\\frac{$ &"] = kept.pop("eot-pgd")
    page = write_html(evaluation, tmp_path / "r.html")
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    shown = "".join(parsed(page).text)
    assert HOSTILE in shown
    assert "AdvRAD on <bottle>" in shown
    assert shown.count("<script>$\\frac{$ &") >= 3  # legend, panel, table


def test_twelve_items_at_256_pixels_stay_below_five_megabytes(tmp_path):
    page = write_html(synthetic(items=12, size=256), tmp_path / "r.html")
    assert page.stat().st_size < 5e6


def test_it_is_written_the_same_twice_and_replaces_what_was_there(tmp_path):
    path = tmp_path / "r.html"
    path.write_text("old")
    first = write_html(synthetic(), path).read_bytes()
    assert write_html(synthetic(), path).read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


@pytest.mark.parametrize("write", [write_html, write_markdown, write_json])
def test_a_nan_is_named_and_the_old_report_stays(tmp_path, write):
    path = tmp_path / "report"
    path.write_text("old")
    evaluation = synthetic()
    rows = list(evaluation.rows)
    rows[2] = replace(rows[2], worst=Estimate(float("nan"), 0.1, 0.2))
    with pytest.raises(ValueError, match=r"evaluation\.rows\[2\]\.worst\[0\]"):
        write(replace(evaluation, rows=tuple(rows)), path)
    evaluation.gallery[0].map_clean[3, 4] = torch.inf
    with pytest.raises(ValueError, match=r"evaluation\.gallery\[0\]\.map_clean"):
        write(evaluation, path)
    evaluation.outputs["pgd"][1, 1] = np.nan
    with pytest.raises(ValueError, match=r"evaluation\.outputs\['pgd'\]"):
        check_finite(evaluation)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_not_measured_is_left_out(tmp_path):
    base = synthetic(items=1)
    bare = replace(
        base.gallery[0], attacked=None, map_attacked=None, score_attacked=None, reconstruction=None
    )
    evaluation = replace(
        base,
        outputs={"clean": base.outputs["clean"]},
        rows=base.rows[:1],
        curves=(),
        threshold=None,
        thresholds={},
        false_alarm_level=None,
        gallery=(bare,),
        notes=(),
    )
    checker = parsed(write_html(evaluation, tmp_path / "r.html"))
    assert checker.tags.count("svg") == 2
    assert checker.tags.count("img") == 1 + 2
    assert judge(evaluation).status == "not attacked"
    empty = replace(evaluation, gallery=())
    assert parsed(write_html(empty, tmp_path / "r.html")).tags.count("img") == 0
    assert "not attacked" in write_markdown(empty, tmp_path / "r.md").read_text()


def test_columns_of_noise_are_left_out_where_no_row_has_any(tmp_path):
    found = synthetic()
    bare = [replace(row, single=None, worst=None, fixed=None) for row in found.rows]
    noiseless = replace(found, rows=tuple(bare))
    page = write_html(noiseless, tmp_path / "report.html").read_text(encoding="utf-8")
    heads = re.findall(r'<th scope="col"><abbr title="[^"]*">([^<]*)</abbr>', page)
    assert "Mean" in heads
    assert not {"Single", "Worst", "Fixed"} & {*heads, *re.findall(r"<dt>([^<]*)</dt>", page)}


def test_a_partial_attack_is_drawn_with_the_labels_it_has(tmp_path):
    evaluation = synthetic()
    order = np.random.default_rng(0).permutation(83)
    for kept in (evaluation.outputs, evaluation.decided):
        kept.update({name: values[order] for name, values in kept.items()})
        kept["pgd"] = kept["pgd"][:40]
    evaluation = replace(evaluation, labels=evaluation.labels[order])
    _, defects, _, good = counts(evaluation, "pgd")
    assert defects + good == 40
    assert defects == evaluation.labels[:40].sum()
    parsed(write_html(evaluation, tmp_path / "r.html"))


def test_each_form_says_what_was_not_tried():
    found = synthetic(items=0)
    for text in (html(found), "\n".join(markdown(found))):
        assert "Not tried: L2, light, pose" in text
        assert "Only a certificate excludes that." in text


def test_a_page_says_what_the_number_of_a_threat_means():
    found = synthetic(items=0)
    assert Sticker.severity not in (page := html(found)).replace("&#39;", "'")
    assert "<dt>L-inf 2/255</dt>" in page
    rows = [replace(row, norm="sticker", eps=0.01) if row.norm else row for row in found.rows]
    told = html(replace(found, rows=tuple(rows))).replace("&#39;", "'")
    assert f"{Sticker.change()} The number is {Sticker.severity}." in told


def test_json_round_trips(tmp_path):
    evaluation = synthetic()
    back = json.loads(write_json(evaluation, tmp_path / "r.json").read_text())
    assert back == json.loads(json.dumps(evaluation.to_json()))
    np.testing.assert_array_equal(back["scores"]["eot-pgd"], evaluation.outputs["eot-pgd"])
    assert back["rows"][2]["mean"] == list(evaluation.rows[2].mean)
    assert back["rows"][2]["budget"]["passes"] == 252
    assert back["labels"] == evaluation.labels.astype(int).tolist()


def test_markdown_has_every_row_and_no_loose_bar(tmp_path):
    evaluation = synthetic(provenance={"a|b": "<c>"})
    text = write_markdown(evaluation, tmp_path / "r.md").read_text(encoding="utf-8")
    table = [
        line.replace("\\|", "").split("|")[1:-1]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    results = [line for line in table if len(line) == len(COLUMNS)]
    assert len(results) == 2 + len(evaluation.rows)
    for row, line in zip(evaluation.rows, results[2:], strict=True):
        assert line[0].strip() == row.attack
        assert f"{row.mean.value:.3f}" in line[list(COLUMNS).index("mean")]
    assert {len(line) for line in table} == {len(COLUMNS), 4, 2}
    assert "<c>" not in text
    assert all(note.replace("<", "&lt;") in text for note in evaluation.notes)


@pytest.mark.parametrize(
    ("label", "xs", "first"),
    [
        ("eps", (0.0, 1 / 255, 0.3), ["L-inf radius (eps)", "0", "1/255", "0.3000"]),
        ("L2 eps", (0.0, 0.25), ["L2 radius (eps)", "0", "0.25"]),
        ("t*", (0, 1000), ["t*", "0", "1000"]),
    ],
)
def test_markdown_writes_the_radii_of_a_curve_as_everything_else_does(label, xs, first):
    line = tuple((x, Estimate(0.9, 0.8, 1.0)) for x in xs)
    found = synthetic(curves=(Curve("How strong?", label, {"pgd": line}),))
    text = "\n".join(markdown(found)).partition("## How strong?")[2].partition("##")[0]
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]
    assert [rows[0], *rows[2:]] == first


def test_cells_of_a_row_name_its_threat_and_its_budget():
    cells = table_row(synthetic(items=0).rows[1])
    assert list(cells) == list(COLUMNS)
    assert cells["budget"] == (
        "PGD 20 steps x 4 draws on score, top, mean",
        "fast, 252 passes, 10 fresh draws",
    )
    assert cells["ball"].main == "L-inf 2/255"
    assert cells["fixed"].main == "-"


def test_no_line_of_a_page_begins_with_the_sign_of_a_percentage(tmp_path):
    text = "".join(parsed(write_html(synthetic(items=0), tmp_path / "r.html")).text)
    assert re.search(r"\d\N{NO-BREAK SPACE}% of the pairs", text)
    assert not re.search(r"\d %", text)
