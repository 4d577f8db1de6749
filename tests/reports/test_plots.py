import re

from hardsight.evaluation.results import (
    Curve,
    Estimate,
)
from hardsight.reports.evaluation import html
from hardsight.reports.plots import curve_svg, histogram_svg, roc_svg
from hardsight.reports.tables import table_row
from synthetic_evaluation import synthetic


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
