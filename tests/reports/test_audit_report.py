import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from hardsight.audit import CHECKS, Audit, Check, Plot
from hardsight.reports import write_html, write_markdown
from hardsight.reports.audit import plot_svg, question

HOSTILE = "<script>alert(1)</script> | *x*"
PLOT = Plot("steps", "AUROC under attack", ("1", "2"), {"AUROC": (0.9, 0.1)}, (0.8, 0), (1, 0.2))


def result(*verdicts: str) -> Audit:
    names = list(CHECKS)
    checks = [
        Check(name, v, f"{HOSTILE} {v}", {"AUROC clean": 0.5}, PLOT if v == "warn" else None)
        for name, v in zip(names, verdicts, strict=False)
    ]
    return Audit(tuple(checks), HOSTILE, "f00d", "Linf", 2 / 255, {"seed": "0"})


class Balanced(HTMLParser):
    VOID = ("meta", "br", "img", "path", "use", "rect")

    def __init__(self) -> None:
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.parametrize(
    ("verdicts", "passed", "words"),
    [
        (("pass", "pass", "skipped"), True, "can be trusted"),
        (("pass", "warn"), True, "with care: see pixels"),
        (("fail", "warn", "pass"), False, "must not be trusted: 1 of 3 checks failed (gradient)"),
    ],
)
def test_the_page_says_the_verdict_first(verdicts, passed, words, tmp_path):
    found = result(*verdicts)
    assert found.passed is passed
    page = write_html(found, tmp_path / "a.html").read_text()
    reader = Balanced()
    reader.feed(page)
    assert not reader.open
    text = " ".join("".join(reader.text).split())
    assert words in text
    assert text.index(words) < text.index("The checks")
    assert "<script" not in page.replace("&lt;script", "")
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert ("<svg" in page) == ("warn" in verdicts)
    for check in found.checks:
        assert question(check.name) in text


def test_the_mark_on_figures_is_that_of_the_audit(tmp_path):
    """Out of time, nothing failed: figures are audited in part, not unreliable."""
    whole, failed = result("pass", "pass"), result("pass", "fail")
    late = replace(whole, checks=(whole.checks[0], replace(whole.checks[1], due=True)))
    for found, mark in ((whole, None), (failed, "unreliable"), (late, "audited in part")):
        page = write_html(found, tmp_path / "a.html").read_text()
        assert re.findall(r'carries the mark <span class="badge \w+">([^<]+)<', page) == (
            [mark] if mark else []
        )


def test_failed_checks_come_first_and_markdown_tells_the_same(tmp_path):
    found = result("pass", "skipped", "fail")
    page = write_html(found, tmp_path / "a.html").read_text()
    places = [page.index(f'id="{name}"') for name in list(CHECKS)[:3]]
    assert places[2] < places[0] < places[1]
    lines = write_markdown(found, tmp_path / "a.md").read_text().splitlines()
    row = next(line for line in lines if line.startswith(f"| {list(CHECKS)[2]} "))
    assert len(re.findall(r"(?<!\\)\|", row)) == 5
    assert "| fail |" in row


def test_what_is_written_is_read(tmp_path):
    found = result("fail", "warn", "pass")
    path = found.write(tmp_path / "deep/audit.json")
    assert Audit.read(path) == found
    plain = json.loads(path.read_text())
    assert plain["stamp"] == [f"unreliable: gradient: {HOSTILE} fail"]
    assert plain["passed"] is False
    assert found["pixels"].plot == PLOT
    with pytest.raises(KeyError, match="no check is called 'pixel'"):
        found["pixel"]


@pytest.mark.parametrize("text", ["", "{}", '{"checks": [{"nme": 1}]}', "[1]"])
def test_a_damaged_file_says_how_to_mend_it(text, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match="hardsight audit RUN"):
        Audit.read(tmp_path / "a.json")


def test_a_shorter_line_is_drawn_from_the_first_tick():
    plot = Plot(
        "draws", "signal", ("1", "2", "4"), {"expected": (0.1, 0.2, 0.3), "measured": (0.1,)}
    )
    drawn = plot_svg(plot, "agreement")
    assert "measured" in drawn
    assert "currentColor" in drawn
    assert drawn == plot_svg(plot, "agreement")


def test_every_check_asks_a_question():
    assert all(question(name).endswith("?") for name in CHECKS)
