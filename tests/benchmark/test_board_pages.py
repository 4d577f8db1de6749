import csv
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from browser import in_chromium
from test_board import entry, figure, row

from hardsight.benchmark import write_site
from hardsight.evaluation.results import Corrupted

RANKED = (
    "Data sets and threats of most methods first; within each those of all its categories, then "
    "the rest; ordered by Robust, then Clean, high first."
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


SCROLLS = """[...document.querySelectorAll('.scroll')].filter(
  (one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText.slice(0, 80))"""


@in_chromium
def test_no_table_of_the_board_scrolls_in_a_window_of_1280_pixels(tmp_path, browser):
    """Of the committed board, whose widest table has all noise columns and published figures."""
    write_site(Path(__file__).parents[2] / "board", tmp_path)
    for page in (tmp_path / "index.html", *(tmp_path / "methods").glob("*.html")):
        browser.resize(1280, 900)
        browser.open(page.as_uri())
        assert browser.run(SCROLLS) == [], page


PASSED = {
    "verdict": "pass",
    "headline": "",
    "stamp": [],
    "norm": "Linf",
    "eps": 0.01,
    "budget": "quick",
}


def one_method(folder, *made):
    """The page of the method of entries, and what there is to download of them."""
    for k, each in enumerate(made):
        each.write(folder / f"{k}.entry.json")
    write_site(folder, folder / "site")
    (page,) = (folder / "site/methods").glob("*.html")
    return page.read_text("utf-8"), json.loads((folder / "site/board.json").read_text("utf-8"))


def test_what_all_rows_say_is_told_once_and_stays_in_the_downloads(tmp_path):
    made = [entry(category=each, attacked=[row("apgd", 0.2)]) for each in ("bottle", "screw")]
    page, downloaded = one_method(tmp_path, *made)
    assert "Same in every row: MVTec AD; seed 0; L-inf 2/255; attack apgd (fast, 0 passes" in page
    assert page.count("not audited") == 1
    for head in ("Threat", "Attack", "Audit"):
        assert f'data-label="{head}"' not in page
    for line in downloaded:
        assert (line["threat"], line["attack"], line["seed"]) == ("Linf 2/255", "apgd", 0)
        assert (line["data"], line["audit"], line["attacked images"]) == (
            "mvtec_ad",
            "not audited",
            24,
        )


def test_what_rows_do_not_share_stays_beside_each(tmp_path):
    made = [
        entry(attacked=[row("apgd", 0.2)], audit=PASSED),
        entry(seed=1, attacked=[row("pgd", 0.2)], threat={"norm": "L2", "eps": "0.2"}),
    ]
    page, _ = one_method(tmp_path, *made)
    assert "Same in every row: MVTec AD." in page
    for text in ("seed 1", 'data-label="Threat">L2 0.2', 'data-label="Audit"', ">apgd<"):
        assert text in page


def test_a_hash_is_short_on_the_page_and_whole_in_the_downloads(tmp_path):
    digest, weights = "0123456789abcdef" * 4, "fedcba9876543210"
    made = entry(
        attacked=[row("pgd", 0.1)],
        weights=weights,
        checkpoints={"model.safetensors": digest},
        settings={"detector": {"image_size": 128}, "start": "none"},
    )
    page, (line,) = one_method(tmp_path, made)
    assert f"model.safetensors {digest[:12]}<" in page
    assert digest not in page
    assert weights in page
    assert "detector.image_size=128, start=none" in page
    assert line["checkpoints"] == f"model.safetensors {digest}"
    assert line["settings"] == "detector.image_size=128, start=none"
    assert (line["weights"], line["torch"]) == (weights, "2.15.0")


def test_the_figure_that_a_line_is_ranked_by_is_in_bold(tmp_path):
    noisy = row("pgd", 0.8, worst=figure(0.5), fixed=figure(0.3))
    page, _ = one_method(tmp_path, entry(random=True, attacked=[noisy]))
    assert re.findall(r'data-label="(\w+)" class="ranked"', page) == ["Fixed"]


def test_threat_models_are_called_unseen_where_it_is_known_which_were_seen(tmp_path):
    made = [
        entry(attacked=[row("pgd", 0.5)], threat={"norm": "Linf", "eps": eps})
        for eps in ("2/255", "4/255")
    ]
    page, _ = one_method(tmp_path / "plain", *made)
    assert "Over threat models" in page
    assert "Unseen" not in page
    trained = [one.model_copy(update={"trained": ("Linf", 4 / 255)}) for one in made]
    page, _ = one_method(tmp_path / "trained", *trained)
    assert ">Unseen</th>" in page


def test_why_figures_differ_is_said_of_the_categories_that_it_is_of(tmp_path):
    published = row("pgd", 0.7, published=0.8, place="FreeRAD, Table 2")
    made = [
        entry(attacked=[published]),
        entry(category="screw", attacked=[published], touched={}, how={"images": 40}),
    ]
    page, _ = one_method(tmp_path, *made)
    assert "24 of 83 test images were attacked (bottle)." in page
    assert "40 of 83 test images were attacked (screw)." in page
    assert "<li>Data: resized to 256.</li>" in page


def test_the_first_page_says_what_is_not_audited_and_how_it_would_be(site, tmp_path):
    said = "nobody has checked that their attack was strong enough"
    index = (site / "index.html").read_text(encoding="utf-8")
    assert said in index
    assert re.search(r"3 of 3 measurements are .*not audited", index)
    assert "how: {audit: quick}" in index
    done = entry(attacked=[row("pgd", 0.6)], audit=PASSED)
    one_method(tmp_path / "all", done)
    assert said not in (tmp_path / "all/site/index.html").read_text(encoding="utf-8")
    one_method(tmp_path / "half", done, entry(seed=1, attacked=[row("pgd", 0.6)]))
    assert "1 of 2 audited" in (tmp_path / "half/site/index.html").read_text(encoding="utf-8")


def test_an_audit_is_filtered_by_the_word_that_it_is_shown_by(tmp_path):
    one_method(tmp_path, entry(attacked=[row("pgd", 0.6)], audit=PASSED))
    index = (tmp_path / "site/index.html").read_text(encoding="utf-8")
    assert '<option value="pass">passed</option>' in index
    assert 'data-audit="pass"' in index


def test_names_are_escaped_and_anchors_are_there(site):
    index = (site / "index.html").read_text(encoding="utf-8")
    assert "&lt;noisy&gt;" in index
    assert "<noisy>" not in index
    method = (site / "methods/spade.html").read_text(encoding="utf-8")
    for line in json.loads((site / "board.json").read_text(encoding="utf-8")):
        page, anchor = line["page"].split("#")
        assert f'id="{anchor}"' in (site / page).read_text(encoding="utf-8")
    assert "-0.100 by pgd; FreeRAD, Table\N{NO-BREAK SPACE}2" in method
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
    ((sort, column),) = re.findall(
        r'aria-sort="(ascending|descending|other)"><button[^>]*>(\w+)', found.stdout
    )
    assert f"rdered by {column}" in order
    assert sort == ("other" if "within" in order else f"{'de' * ('high' in order) or 'a'}scending")


def test_two_entries_of_one_id_are_refused(tmp_path):
    for folder in ("mine", "copied"):
        entry(attacked=[row("pgd", 0.6)]).write(tmp_path / folder / "a.entry.json")
    with pytest.raises(ValueError, match=r"copied.* and .*mine.* are both .*; keep one of them"):
        write_site(tmp_path, tmp_path / "site")
