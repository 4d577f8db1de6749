"""Reports in a window as narrow as a phone's: nothing is cut off, nothing scrolls sideways."""

import re
from dataclasses import replace

from browser import in_chromium
from test_audit_report import result
from test_class_certificate import found

from hardsight.evaluation.certified.results import AttackedVote
from hardsight.evaluation.results import Averages, Corrupted, Decisions, Estimate
from hardsight.reports import write_html
from hardsight.reports.plots import curve_svg
from synthetic_evaluation import synthetic


def evaluation():
    """An evaluation with all tables."""
    same = Estimate(0.7, 0.6, 0.8)
    return synthetic(
        thresholds={"clean normals": 1.55, "normals under eot-pgd, L-inf 2/255": 1.9},
        averages=(Averages("autoattack", ("L-inf 8/255", "L2 0.5", "L1 12"), 0.5, 0.4, 0.3),),
        corruptions=tuple(
            Corrupted("gaussian_noise", severity, same, -0.2, Decisions(60, 63, 10, 20))
            for severity in range(1, 6)
        ),
    )


def certificate():
    attack = AttackedVote("autoattack-rand on the smoothed vote", 0.1, 0.25, 0.5, 4, 0)
    return found(attacks=(attack,))


@in_chromium
def test_nothing_is_wider_than_a_phone(browser, tmp_path):
    for one in (evaluation(), certificate(), result("pass", "warn", "fail")):
        assert browser.too_wide(write_html(one, tmp_path / "report.html")) == [], one.title


def _height(svg: str, text: str) -> float:
    """Return where a text stands, from the top."""
    (place,) = re.findall(rf'y="([\d.]+)"[^>]*>{re.escape(text)}</text>', svg)
    return float(place)


def test_the_coin_toss_is_named_above_the_curves():
    svg = curve_svg(synthetic().curves[0], "AUROC")
    assert _height(svg, "coin toss") < _height(svg, "1.0")


ROWS = """(() => {
  const grid = document.querySelector('.plots').getBoundingClientRect(), ends = {};
  for (const one of document.querySelectorAll('.plots > figure')) {
    const box = one.getBoundingClientRect(), row = Math.round(box.top);
    ends[row] = Math.max(ends[row] ?? 0, box.right);
  }
  return Object.values(ends).map((end) => Math.round(grid.right - end));
})()"""
"""How far the last plot of each row is from the grid's end."""


@in_chromium
def test_the_grid_of_plots_has_no_hole(browser, tmp_path):
    first = synthetic(items=0)
    for more in range(5):
        one = replace(first, curves=first.curves * (1 + more))
        page = write_html(one, tmp_path / "report.html")
        for width in (1280, 900):
            browser.resize(width, 900)
            browser.open(page.as_uri())
            assert set(browser.run(ROWS)) <= {0}, (more, width)
