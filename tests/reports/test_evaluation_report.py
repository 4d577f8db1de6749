import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from hardsight.attacks.threats import Sticker
from hardsight.evaluation.alarms import alarms, counts
from hardsight.evaluation.results import (
    HELD_OUT,
    OBJECT_ALONE,
    Budget,
    Curve,
    Estimate,
    Evaluation,
    GalleryItem,
    Row,
)
from hardsight.evaluation.verdict import HEADLINES, judge, outcome, strongest
from hardsight.evaluation.wording import (
    change,
    figure,
    fraction_of_255,
    pairs,
    radius,
    span,
    threat_name,
)
from hardsight.metrics import auroc, bootstrap
from hardsight.reports import write_html, write_json, write_markdown
from hardsight.reports.evaluation import html, markdown
from hardsight.reports.pictures import heat, heat_scale, perturbation
from hardsight.reports.plots import curve_svg, histogram_svg, roc_svg
from hardsight.reports.tables import COLUMNS, check_finite, table_row

EPS = 2 / 255
HOSTILE = 'broken_large/<script>alert("1")</script>&amp;$x_1$|.png'


def picture(rng, anomalous, size):
    """A turned metal disc on a dark table, scratched if anomalous, with a map that finds most."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    r = np.hypot(x, y)
    disc = 0.55 + 0.2 * np.cos(30 * r) * (r < 0.8) + 0.15 * np.cos(2 * np.arctan2(y, x))
    image = np.where(r < 0.8, disc, 0.12)[..., None] * np.array([1.0, 0.93, 0.82])
    image += 0.02 * rng.standard_normal(image.shape)
    mask = np.zeros((size, size), dtype=bool)
    if anomalous:
        cx, cy = rng.uniform(-0.4, 0.4, 2)
        mask = (np.abs(y - cy - 0.6 * (x - cx)) < 0.07) & (np.abs(x - cx) < 0.3)
    rebuilt = gaussian_filter(image, (1.5, 1.5, 0))
    image = np.where(mask[..., None], 0.95 - image, image)
    change = EPS * np.sign(gaussian_filter(rng.standard_normal(image.shape), (1, 1, 0)))
    haze = gaussian_filter(rng.random((size, size)), 6)
    found = gaussian_filter(mask.astype(float), 5) + 0.5 * haze
    attacked_map = gaussian_filter(mask.astype(float), 9) * 0.5 + haze * (0.6 if anomalous else 1.1)

    def tensor(a):
        return torch.tensor(np.moveaxis(a.clip(0, 1), -1, 0), dtype=torch.float32)

    return (
        tensor(image),
        tensor(image.clip(0, 1) + change),
        tensor(rebuilt),
        torch.tensor(found),
        torch.tensor(attacked_map),
        torch.tensor(mask),
    )


def synthetic(shift=1.6, items=2, size=32, flags=(), seed=0, **changes):
    """A plausible evaluation; ``shift`` is how far attacked defects lie above attacked normals."""
    rng = np.random.default_rng(seed)
    labels = np.arange(83) >= 20
    scores = {}
    for name, gap in (("clean", 3.2), ("pgd", (shift + 3.2) / 2), ("eot-pgd", shift)):
        base = rng.gamma(9, 0.11, labels.size) + 0.33 * gap * labels
        scores[name] = base[:, None] + 0.06 * rng.standard_normal((labels.size, 10))
    rows = []
    for name, columns in scores.items():
        low = np.where(labels, columns.min(1), columns.max(1))
        attacked = name != "clean"
        rows.append(
            Row(
                name,
                "image",
                "AUROC",
                Estimate(*bootstrap(auroc, columns.mean(1), labels, 100)),
                single=Estimate(*bootstrap(auroc, columns[:, 0], labels, 100)),
                worst=Estimate(*bootstrap(auroc, low, labels, 100)),
                fixed=Estimate(*bootstrap(auroc, low - 0.1 * labels, labels, 100))
                if name == "eot-pgd"
                else None,
                norm="Linf" if attacked else None,
                eps=EPS if attacked else 0.0,
                fresh_draws=10,
                budget=Budget("fast", "PGD 20 steps x 4 draws on score, top, mean", 252)
                if attacked
                else Budget(),
                published={"clean": 1.0, "pgd": 0.881}.get(name),
                seconds_per_image=1.37 if attacked else 0.0131,
                flags=flags if attacked else (),
            )
        )
    rows.append(Row("clean", "pixel", "AUROC", Estimate(0.942, 0.942, 0.942), fresh_draws=1))
    gallery = []
    for k in range(items):
        image, attacked, rebuilt, found, attacked_map, mask = picture(rng, k % 2 == 0, size)
        i = 20 + k if k % 2 == 0 else k
        gallery.append(
            GalleryItem(
                name=HOSTILE if k == 0 else f"good/{k:03d}.png",
                anomalous=k % 2 == 0,
                image=image,
                attacked=attacked,
                reconstruction=rebuilt,
                map_clean=found,
                map_attacked=attacked_map,
                mask=mask if k % 2 == 0 else None,
                score_clean=float(scores["clean"][i].mean()),
                score_attacked=float(scores["eot-pgd"][i].mean()),
            )
        )
    top = rows[2].mean.value
    end = Estimate(top - 0.4, top - 0.5, top - 0.3)
    points = tuple(
        zip((0, 1 / 255, 2 / 255, 8 / 255), (*(r.mean for r in rows[:3]), end), strict=True)
    )
    values = {
        "title": "AdvRAD on <bottle>",
        "provenance": {"detector": "AdvRAD <b>", "seed": "0", "split": "3fa9" * 16, "torch": "2"},
        "labels": labels,
        "names": tuple(f"{k:03d}.png" for k in range(83)),
        "outputs": scores,
        "rows": tuple(rows),
        "curves": (Curve("How strong?", "eps", {"pgd": points}, "PGD 10 steps, Linf"),),
        "threshold": 1.55,
        "thresholds": {"clean normals": 1.55},
        "false_alarm_level": 0.05,
        "gallery": tuple(gallery),
        "notes": ("Localisation was measured on clean images only.", "No masks for <x>."),
    }
    values |= changes
    mean = {name: columns.mean(1) for name, columns in values["outputs"].items()}
    return Evaluation(**({"decided": mean} | values))


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


def judged(value, low=None, flags=(), eps=EPS, **columns):
    clean = Row("clean", "image", "AUROC", Estimate(0.97, 0.95, 0.99))
    estimate = Estimate(value, value - 0.01 if low is None else low, value + 0.01)
    hit = Row("pgd", "image", "AUROC", estimate, norm="Linf", eps=eps, flags=flags, **columns)
    return judge(synthetic(items=0, rows=(clean, hit)))


@pytest.mark.parametrize(
    ("value", "flags", "status"),
    [
        (0.91, (), "holds"),
        (0.85, (), "holds"),
        (0.84, (), "weakened"),
        (0.60, (), "weakened"),
        (0.59, (), "broken"),
        (0.91, ("not audited",), "not proven"),
        (0.72, ("not audited",), "weakened"),  # an attack that works needs no audit
        (0.10, ("unreliable",), "broken"),
    ],
)
def test_the_verdict_follows_the_numbers(value, flags, status):
    verdict = judged(value, flags=flags)
    assert verdict.status == verdict.findings[0].status == status
    assert f"{round(100 * value)} % of the pairs" in verdict.findings[0].text
    assert "97 % of the pairs" in verdict.clean[0]
    assert ("worse than a coin toss" in verdict.findings[0].text) == (value < 0.5)


def test_the_verdict_says_what_the_other_columns_hide():
    fixed, worst = Estimate(0.55, 0.5, 0.6), Estimate(0.8, 0.7, 0.9)
    finding = judged(0.91, fixed=fixed, worst=worst).findings[0]
    text = finding.text
    assert finding.status == "weakened"
    assert judged(0.91, fixed=Estimate(0.9, 0.8, 0.95), worst=worst).status == "holds"
    assert "knows the detector's noise, 55 %" in text
    assert "again and again, 80 %" in text
    assert "line of the rule" in judged(0.88, low=0.8).findings[0].text
    assert "line of the rule" not in judged(0.88, low=0.86).findings[0].text


def test_a_headline_about_the_ranking_tells_of_decisions_that_fell():
    rows = (
        Row("clean", "image", "AUROC", Estimate(1.0, 1.0, 1.0)),
        Row("pgd", "image", "AUROC", Estimate(1.0, 1.0, 1.0), norm="Linf", eps=EPS),
    )
    labels = np.array([False, False, True, True])
    scores = {"clean": np.array([1.0, 3.0, 4.0, 5.0]), "pgd": np.array([2.5, 3.5, 3.6, 5.0])}
    changes = {
        "items": 0,
        "rows": rows,
        "labels": labels,
        "outputs": {name: found[:, None] for name, found in scores.items()},
        "decided": scores,
    }
    told = "The ranking held against every attack tried at L-inf 2/255."
    fell = f"{told} Decisions fell: "
    both = f"{fell}1 of 2 good parts became false alarms, 1 of 2 defects were hidden."
    # at 2.0 the good part of 3.0 was a false alarm before
    found = judge(synthetic(threshold=2.0, **changes)).headline
    assert found == f"{fell}1 of 2 good parts became false alarms."
    assert judge(synthetic(threshold=0.5, **changes)).headline == told
    low = changes | {"decided": scores | {"pgd": np.array([2.5, 3.5, 1.5, 5.0])}}
    assert judge(synthetic(threshold=2.0, **low)).headline == both
    broken = (rows[0], replace(rows[1], mean=Estimate(0.2, 0.1, 0.3)))
    told = judge(synthetic(threshold=2.0, **changes | {"rows": broken})).headline
    assert told == HEADLINES["broken"]


@pytest.mark.parametrize(
    ("label", "measure", "told"),
    [
        ("eps", "", "is below 0.85 from L-inf 4/255 on: 0.700"),
        ("L2 eps", "", "is below 0.85 from L2 4/255 on: 0.700"),
        ("severity of light", "", "is below 0.85 from light 0.016 on: 0.700"),
        ("t*", "", None),
        ("eps", "share of images", None),
    ],
)
def test_a_curve_tells_from_where_on_the_ranking_falls(label, measure, told):
    values = {0.0: 1.0, 2 / 255: 0.9, 4 / 255: 0.7, 8 / 255: 0.1}
    points = tuple((eps, Estimate(v, v, v)) for eps, v in values.items())
    curve = Curve("title", label, {"pgd": points}, measure=measure)
    found = [r for r in judge(synthetic(items=0, curves=(curve,))).remarks if "curve" in r]
    assert len(found) == (told is not None)
    assert told is None or told in found[0]


def test_the_worst_threat_is_on_top_and_one_flag_marks_its_threat():
    def row(name, eps, value, flags=()):
        estimate = Estimate(value, value, value)
        return Row(name, "image", "AUROC", estimate, norm="Linf", eps=eps, flags=flags)

    rows = (row("pgd", 2 / 255, 0.95), row("pgd", 8 / 255, 0.3))
    verdict = judge(synthetic(items=0, rows=rows))
    assert [f.status for f in verdict.findings] == ["holds", "broken"]
    assert verdict.status == "broken"
    rows = (row("pgd", EPS, 0.95, ("unreliable",)), row("square", EPS, 0.9))
    verdict = judge(synthetic(items=0, rows=rows))
    assert verdict.status == "not proven"
    assert "90 %" in verdict.findings[0].text
    assert "unreliable" in verdict.findings[0].text


def test_alarms_are_counted_strictly_above_the_threshold():
    scores = {"clean": np.array([[1.0, 1.0], [3.0, 1.0], [2.0, 4.0]])}
    labels = np.array([False, False, True])
    evaluation = synthetic(items=0, outputs=scores, labels=labels, threshold=2.0)
    assert counts(evaluation, "clean") == (1, 1, 0, 2)
    assert strongest(evaluation) is None
    assert strongest(synthetic(items=0)) == "eot-pgd"


def test_alarms_stand_for_each_threshold_and_each_radius():
    scores = {"clean": np.array([1.0, 3.0, 2.5]), "L-inf 2/255 (curve)": np.array([2.6, 3.2, 1.0])}
    evaluation = synthetic(
        items=0,
        labels=np.array([False, False, True]),
        outputs={"clean": scores["clean"][:, None]},
        decided=scores,
        thresholds={"normals under pgd": 3.1, "clean normals, before": 2.0},
    )
    assert alarms(evaluation) == [
        ("normals under pgd", "clean", 0, 1, 0, 2),
        ("normals under pgd", "L-inf 2/255 (curve)", 0, 1, 1, 2),
        ("clean normals, before", "clean", 1, 1, 1, 2),
        ("clean normals, before", "L-inf 2/255 (curve)", 0, 1, 2, 2),
    ]
    text = "\n".join(markdown(evaluation))
    assert "| L-inf 2/255 (curve) | clean normals, before | 0 of 1 | 2 of 2 |" in text


@pytest.mark.parametrize(
    ("shift", "said"),
    [(0.3, "scores higher than"), (-0.3, "scores lower than"), (0.0, None)],
)
def test_good_parts_unlike_those_of_the_calibration_are_spoken_of(shift, said):
    evaluation = synthetic(items=0)
    good = evaluation.decided["clean"][~evaluation.labels]
    held_out = tuple(np.repeat(good, 2) - shift)
    row = Row("clean", "image", HELD_OUT, Estimate(0.61, 0.5, 0.7), fresh_draws=1)
    told = synthetic(items=0, held_out=held_out, rows=(*evaluation.rows, row))
    found = [r for r in judge(told).remarks if r.startswith("Beware")]
    assert len(found) == (said is not None)
    if said:
        share = np.mean([(g > h) + (g == h) / 2 for g in good for h in held_out])
        assert pairs(max(share, 1 - share)) in found[0]
        assert said in found[0]
        assert "61 % of the pairs" in found[0]
    assert not any(r.startswith("Beware") for r in judge(evaluation).remarks)


@pytest.mark.parametrize(
    ("alone", "attacked", "said"),
    [
        (0.93, 0.95, None),
        (0.95, 0.96, "Beware: the map tells defects"),
        (0.93, 0.90, "Beware: under attack the map tells defects"),
        (0.95, 0.90, "Beware: the map tells defects"),
    ],
)
def test_a_map_that_ranks_pixels_no_better_than_its_object_is_spoken_of(alone, attacked, said):
    """The clean map has 0.942."""
    rows = (
        Row("map-pgd", "pixel", "AUROC", Estimate(attacked, 0.8, 1.0), norm="Linf", eps=EPS),
        Row("clean", "pixel", OBJECT_ALONE, Estimate(alone, 0.8, 1.0)),
    )
    evaluation = synthetic(items=0)
    found = judge(synthetic(items=0, rows=(*evaluation.rows, *rows))).remarks
    (text,) = [r for r in found if r.startswith("Beware")] or [None]
    assert (text is None) == (said is None)
    if said:
        assert text.startswith(said)
        assert f"{alone:.3f}" in text


def test_a_handful_of_good_parts_is_not_enough_to_call_them_unlike():
    row = Row("clean", "image", HELD_OUT, Estimate(0.9, 0.9, 0.9), fresh_draws=1)
    told = synthetic(items=0, held_out=(9.0,), rows=(row,))
    assert not any(r.startswith("Beware") for r in judge(told).remarks)


@pytest.mark.parametrize("order", [("few", "many"), ("many", "few")])
def test_of_attacks_that_leave_one_auroc_the_strongest_does_more_harm_at_the_threshold(order):
    labels = np.array([False, False, True])
    alike = {
        "few": np.array([[1.0], [3.0], [4.0]]),
        "many": np.array([[2.5], [3.0], [4.0]]),
    }
    scores = {"clean": np.array([[0.0], [1.0], [3.0]])} | {name: alike[name] for name in order}
    assert strongest(synthetic(items=0, outputs=scores, labels=labels, threshold=2.0)) == "many"
    missed = scores | {"few": np.array([[0.0], [0.1], [1.9]])}
    assert strongest(synthetic(items=0, outputs=missed, labels=labels, threshold=2.0)) == "many"
    missed = missed | {"many": np.array([[0.0], [0.1], [2.1]])}
    assert strongest(synthetic(items=0, outputs=missed, labels=labels, threshold=2.0)) == "few"
    assert strongest(synthetic(items=0, outputs=scores, labels=labels, threshold=None)) == order[0]


@pytest.mark.parametrize(
    ("anomalous", "clean", "attacked", "words", "fooled"),
    [
        (True, 2.0, 0.5, "hidden by the attack", True),
        (False, 0.5, 2.0, "false alarm by the attack", True),
        (True, 2.0, 3.0, "found", False),
        (False, 0.5, None, "passes", False),
        (True, 0.5, None, "missed", False),
        (False, 2.0, None, "false alarm", False),
        (True, 0.5, 0.4, "missed, attacked or not", False),
        (False, 2.0, 3.0, "false alarm, attacked or not", False),
        (True, 0.5, 2.0, "found only when attacked", False),
    ],
)
def test_the_outcome_of_an_item(anomalous, clean, attacked, words, fooled):
    item = replace(
        synthetic(items=1).gallery[0],
        anomalous=anomalous,
        score_clean=clean,
        score_attacked=attacked,
    )
    assert outcome(item, 1.0) == (words, fooled)


def test_numbers_are_written_as_people_write_them():
    assert [fraction_of_255(e) for e in (0.0, 0.00784, 8 / 255, 0.0123)] == [
        "0",
        "2/255",
        "8/255",
        "0.0123",
    ]
    assert radius("Linf", 2 / 255) == "L-inf 2/255"
    assert [threat_name(n) for n in ("Linf", "L2", "light")] == ["L-inf", "L2", "light"]
    assert radius("L2", 0.2) == "L2 0.2"
    assert radius("L2", 128 / 255) == "L2 128/255"
    assert [pairs(share) for share in (0.0, 0.001, 0.5, 0.999, 1.0)] == [
        "0 %",
        "less than 1 %",
        "50 %",
        "more than 99 %",
        "100 %",
    ]
    cells = table_row(synthetic(items=0).rows[1])
    assert list(cells) == list(COLUMNS)
    assert cells["budget"] == (
        "PGD 20 steps x 4 draws on score, top, mean",
        "fast, 252 passes, 10 fresh draws",
    )
    assert cells["ball"].main == "L-inf 2/255"
    assert cells["fixed"].main == "-"


def test_one_heat_scale_for_all_maps_and_an_outline_in_the_picture():
    maps = [torch.zeros(40, 40), torch.linspace(0, 5, 1600).reshape(40, 40)]
    low, high = heat_scale(maps)
    assert low == 0.0
    assert high == pytest.approx(5.0, abs=0.02)
    assert heat_scale([torch.ones(4, 4)]) == (1.0, 2.0)
    mask = torch.zeros(40, 40, dtype=torch.bool)
    mask[10:20, 10:20] = True
    plain = heat(torch.full((1, 40, 40), 0.5), maps[0], None, (low, high))
    assert plain.startswith(b"\xff\xd8")
    assert heat(torch.full((1, 40, 40), 0.5), maps[0], mask, (low, high)) != plain


def test_a_figure_has_no_fixed_ink_and_leaves_no_global_behind():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    evaluation = synthetic(items=0)
    svg = histogram_svg({"clean": evaluation.decided["clean"]}, evaluation.labels, 0.0)
    assert dict(mpl.rcParams) == before
    assert "#0102" not in svg
    assert "currentColor" in svg
    assert "var(--anomalous)" in svg
    assert "threshold" in svg


def test_a_perturbation_of_pure_noise_can_be_drawn():
    """Noise hardly compresses: its JPEG is larger than a byte a pixel."""
    noise = torch.rand(3, 256, 256, generator=torch.Generator().manual_seed(0))
    drawn = perturbation(torch.full_like(noise, 0.5), noise.round())
    assert len(drawn) > 256 * 256
    assert Image.open(io.BytesIO(drawn)).size == (256, 256)


def test_auroc_is_a_share_of_one_and_accuracy_in_per_cent():
    assert figure(0.97649, "AUROC") == figure(0.97649, "AUPRO") == "0.976"
    assert figure(0.7704, "accuracy") == "77.0 %"
    assert span(0.9, 1.0, "AUROC, held-out") == "0.900 to 1.000"
    assert span(0.7, 0.81, "accuracy") == "70.0 to 81.0 %"
    assert [change(d, "AUROC") for d in (-0.0125, 0.04, -1e-9)] == ["-0.013", "+0.040", "+0.000"]
    assert change(-0.0125, "accuracy") == "-1.2"


def test_a_plot_has_the_unit_of_its_table():
    found = synthetic(items=0)
    (curve,) = found.curves
    page = html(found)
    clean = table_row(found.rows[0])["mean"].main
    assert f">clean: {clean}</text>" in page
    assert "per cent" not in curve_svg(curve, "AUROC")
    accuracy = curve_svg(curve, "accuracy")
    assert "accuracy under attack, in per cent" in accuracy
    assert ">100</text>" in accuracy
    assert ">1.0</text>" not in accuracy


def test_the_strengths_of_any_threat_stand_at_its_points():
    line = {"pgd": tuple((e, Estimate(0.5, 0.4, 0.6)) for e in (0.0, 0.05, 0.1, 0.2))}
    svg = curve_svg(Curve("How strong?", "severity of light", line), "AUROC")
    assert re.findall(r">(0|0\.[0-9]*[05125])</text>", svg)[:4] == ["0", "0.05", "0.1", "0.2"]


def test_the_names_of_roc_curves_stand_above_them():
    """The curve of a fooled detector goes along the bottom and the right of its plot."""
    scores = synthetic(items=0).decided
    svg = roc_svg(scores, synthetic(items=0).labels)
    ys = [float(y) for y in re.findall(r'y="([0-9.]+)"[^>]*>(?:coin toss|clean:|pgd:)', svg)]
    top = min(float(y) for y in re.findall(r" ([0-9.]+) \n[^\"]*\" clip-path", svg))
    assert len(ys) == 3
    assert max(ys) < top
