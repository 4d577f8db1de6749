import csv
import json
import re
import shutil
import subprocess

import pytest
from browser import in_chromium
from test_board import entry, figure, row

from hardsight.benchmark import write_site
from hardsight.evaluation.results import Corrupted

RANKED = (
    "Data sets and threats of most methods first; within each ordered by Robust, then Clean, high "
    "first."
)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages of a few entries."""
    folder = tmp_path_factory.mktemp("board")
    strong = [row("pgd", 0.7, worst=None, published=0.8, place="FreeRAD, Table 2")]
    made = [
        entry(attacked=strong, settings={"detector.image_size": 128}),
        entry(attacked=[row("pgd", 0.6)], threat={"norm": "Linf", "eps": "4/255"}),
        entry(
            "<noisy>",
            random=True,
            attacked=[row("pgd", 0.9, worst=figure(0.8))],
            corrupted=[Corrupted("motion_blur", 3, figure(0.6), -0.3)],
        ),
        entry(
            certified=[
                {
                    "radius": 0.1,
                    "auroc": 0.4,
                    "auroc_joint": 0.3,
                    "auroc_mean": 0.5,
                    "published": 0.92,
                }
            ],
            threat={"sigma": 0.125},
        ),
    ]
    for one in made:
        one.write(folder / f"results/{hash(one.id)}.entry.json")
    (path, *_) = [p for p in (folder / "results").iterdir() if "4/255" in p.read_text()]
    path.with_name(path.name.replace(".entry.json", ".html")).write_text("<p>report</p>")
    write_site(folder / "results", folder / "site")
    return folder / "site"


def test_pages_lead_to_each_other_and_nowhere_else(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 4  # the board, two methods, and a report
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "://" not in text.replace("http://www.w3.org", "")
        for target in re.findall(r'href="([^"#]+)', text):
            assert (page.parent / target).is_file(), f"{page} links to {target}"


@in_chromium
def test_nothing_of_a_page_is_wider_than_a_phone(site, browser):
    for page in sorted(site.rglob("*.html")):
        assert browser.too_wide(page) == [], page


def test_a_method_says_in_what_its_settings_differ_from_the_preset(site):
    pages = [page.read_text(encoding="utf-8") for page in (site / "methods").glob("*.html")]
    assert ["detector.image_size 128; weights" in page for page in sorted(pages)].count(True) == 1


def test_names_are_escaped_and_anchors_are_there(site):
    index = (site / "index.html").read_text(encoding="utf-8")
    assert "&lt;noisy&gt;" in index
    assert "<noisy>" not in index
    method = (site / "methods/spade.html").read_text(encoding="utf-8")
    for line in json.loads((site / "board.json").read_text(encoding="utf-8")):
        page, anchor = line["page"].split("#")
        assert f'id="{anchor}"' in (site / page).read_text(encoding="utf-8")
    assert "-0.100 by pgd; FreeRAD, Table 2" in method
    assert "0.920" in method  # certified, published
    assert "Over threat models" in method
    noisy = next((site / "methods").glob("*noisy*.html")).read_text(encoding="utf-8")
    assert "motion_blur" in noisy
    assert method.count("<svg") == 1  # L-inf at two radii


def test_a_threat_is_shown_as_in_reports_and_named_as_in_entries(site):
    for page in ("index.html", "methods/spade.html"):
        text = (site / page).read_text(encoding="utf-8")
        assert '<td data-label="Threat">L-inf 4/255</td>' in text
        assert ">Linf" not in text
    assert '<option value="Linf 4/255">L-inf 4/255</option>' in (site / "index.html").read_text()
    assert '"threat": "Linf 4/255"' in (site / "board.json").read_text()


def test_a_methods_page_has_no_empty_column(site):
    method = (site / "methods/spade.html").read_text(encoding="utf-8")
    for page in (method, next((site / "methods").glob("*noisy*.html")).read_text()):
        for table in re.findall(r"<table class=.results.*?</table>", page, re.DOTALL):
            heads = re.findall(r'<th scope="col">(.*?)</th>', table)
            rows = re.findall(r"<tr[ >].*?</tr>", table.split("<tbody>")[1], re.DOTALL)
            cells = [re.findall(r"<t[dh] ?(.*?)</t[dh]>", row, re.DOTALL) for row in rows]
            for head, column in zip(heads, zip(*cells, strict=True), strict=True):
                assert not all('class="none"' in cell for cell in column), head
    assert ">Published</th>" in method
    assert ">Worst</th>" not in method


def test_the_page_of_another_librarys_model_names_it(tmp_path):
    (model,) = notes = ["library.Model of library 2.7.0"]
    foreign = entry("foreign", preset="", notes=notes, attacked=[row("pgd", 0.1)])
    foreign.write(tmp_path / "foreign.entry.json")
    write_site(tmp_path, tmp_path / "site")
    page = (tmp_path / "site/methods/foreign.html").read_text(encoding="utf-8")
    assert f"Another library's model: {model}; deterministic" in page.replace("&#39;", "'")
    assert "Preset" not in page


def test_what_differs_from_published_figures_is_told_where_there_are_some(site, tmp_path):
    entry(attacked=[row("pgd", 0.7)]).write(tmp_path / "one.entry.json")
    entry("still", threat={"suites": []}).write(tmp_path / "two.entry.json")
    write_site(tmp_path, tmp_path / "site")
    heading = "Why figures differ"
    assert heading in (site / "methods/spade.html").read_text(encoding="utf-8")
    for page in ("index.html", "methods/spade.html"):
        assert heading not in (tmp_path / "site" / page).read_text(encoding="utf-8")


def test_the_downloads_hold_every_line(site):
    lines = json.loads((site / "board.json").read_text(encoding="utf-8"))
    with (site / "board.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(lines) == len(rows) == 3
    assert [float(row["robust"]) for row in rows] == [line["robust"] for line in lines]


@pytest.mark.skipif(CHROMIUM is None, reason="no headless browser is installed")
@pytest.mark.parametrize(
    ("state", "shown", "order"),
    [
        ("", 3, RANKED),
        ("threat=Linf+2%2F255&sort=-clean", 2, "Ordered by Clean, high first."),
        ("noise=random", 1, RANKED),
        ("method=spa&sort=robust", 2, "Ordered by Robust, low first."),
    ],
)
def test_a_browser_filters_and_sorts_by_the_address(site, tmp_path, state, shown, order):
    words = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    address = f"{(site / 'index.html').as_uri()}#{state}"
    found = subprocess.run(
        [*words, "--dump-dom", address], capture_output=True, text=True, timeout=120, check=True
    )
    rows = re.findall(r"<tr id=[^>]*>", found.stdout)
    assert len(rows) == 3
    assert [" hidden" in row for row in rows].count(False) == shown
    assert f"{shown} of 3 lines" in found.stdout
    assert order in found.stdout
    marked = re.findall(
        r'aria-sort="(ascending|descending|other)"><button[^>]*>(\w+)', found.stdout
    )
    (sort, column), *others = marked
    assert not others
    assert f"rdered by {column}" in order
    assert sort == ("other" if "within" in order else f"{'de' * ('high' in order) or 'a'}scending")


def test_two_entries_of_one_id_are_refused(tmp_path):
    for folder in ("mine", "copied"):
        entry(attacked=[row("pgd", 0.6)]).write(tmp_path / folder / "a.entry.json")
    with pytest.raises(ValueError, match=r"copied.* and .*mine.* are both .*; keep one of them"):
        write_site(tmp_path, tmp_path / "site")
