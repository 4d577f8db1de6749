import json
import re
from dataclasses import replace

import pytest

from hardsight.evaluation.certified.plan import Smoothing, Terms
from hardsight.evaluation.certified.protocol import certify
from hardsight.reports import write_html, write_json, write_markdown
from hardsight.reports.certificate_plots import radius_svg
from hardsight.reports.certified_scores import cells
from hardsight.reports.certified_words import confidence, promised


def test_what_is_promised_is_never_rounded_up():
    assert promised(0.9999, "AUROC") == "0.999"
    assert promised(0.978, "AUROC") == "0.978"
    assert promised(1.0, "AUROC") == "1.000"
    assert promised(0.7839, "accuracy") == "78.3 %"
    assert promised(None, "AUROC") == "-"


def test_a_confidence_is_never_rounded_to_certainty():
    said = {0.001: "99.9 %", 0.05: "95 %", 0.5: "50 %", 1e-8: "99.999999 %", 1e-12: None}
    for alpha, text in said.items():
        assert confidence(alpha) == (text or f"99.{'9' * 10} %")


def test_a_published_figure_by_the_mean_is_compared_with_that_by_the_mean(bright, make_set):
    found = certify(bright(), make_set([90, 92], [140, 150]), Terms(0.3, 60, radii=(0.1,)))
    (point,) = found.rows
    point = point._replace(auroc=0.8, auroc_mean=0.7, published=0.9)
    assert cells(found, point)["published"] == ("0.900", "-0.200")


def test_what_one_of_several_designs_alone_owes_and_lacks_is_said_of_it(bright, make_set, tmp_path):
    found = certify(bright(), make_set([90, 92], [140, 150]), Terms(0.3, 60, radii=(0.1,)))
    late = "Time ran out: 3 of 4 test images were certified."
    facts = found.provenance | {"sigma": "Chosen for itself."}
    other = replace(found, design="as-is", notes=(late,), provenance=facts)
    for write in (write_html, write_markdown):
        text = write([found, other], tmp_path / "c").read_text()
        assert f"Smoothed with noise of sigma 0.3, design as-is: {late}" in text
        assert text.count("It speaks of the smoothed detector") == 1
        assert text.count("sigma (Smoothed with noise of sigma 0.3, design") == 2


def test_the_radii_of_decisions_fill_their_axis(bright, make_set):
    """The bar that names a colour in the legend alone must not widen it."""
    terms = Terms(0.3, 60, radii=(0.0, 0.1, 0.2))
    svg = radius_svg(certify(bright(), make_set([90, 92], [140, 150]), terms))
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
    at = {t: float(x) for x, t in re.findall(r'x="([\d.]+)" y="[\d.]+"[^>]*>([\w.]+)</text>', svg)}
    ends = at["none"], at[max((t for t in at if re.fullmatch(r"0\.\d+", t)), key=float)]
    assert ends[1] - ends[0] > 0.6 * width


@pytest.mark.parametrize("early", [False, True])
def test_the_report_says_it_all_and_needs_nothing_else(bright, make_set, tmp_path, early):
    data = make_set([90, 92], [140, 150])
    terms = Terms(0.3, 60, radii=(0.0, 0.1, 0.2 if early else 5.0))
    smoothing = Smoothing(early_stopping=early, pixels=2, batch_size=16)
    found = certify(bright(), data, terms, smoothing=smoothing)
    both = [found, replace(found, design="other")]
    page = write_html(both, tmp_path / "c.html").read_text()
    assert page.count("<svg") == (2 if early else 3)
    assert "What this does not say" in page
    assert page.count("good parts, certainly right") == page.count("defects, certainly right") > 0
    assert "http" not in page.replace("http-equiv", "")
    assert ("Which pixels are certain" in page) != early
    text = write_markdown(both, tmp_path / "c.md").read_text()
    assert "not a certificate" in text
    assert "8/255 would take" in text
    values = json.loads(write_json(both, tmp_path / "c.json").read_text())
    first = values["certificates"][0]
    assert first["terms"]["sigma"] == 0.3
    if early:
        assert first["rows"][0]["auroc"] is None
        return
    assert first["rows"][-1]["auroc"] == 0.0
    needed = first["rows"][-1]["needed"]
    assert f"{needed:,.0f}" in page
    assert Terms(**first["terms"] | {"radii": tuple(first["terms"]["radii"])}) == found.terms
