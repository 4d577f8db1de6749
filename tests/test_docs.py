"""What the documents point to must exist: links, headings, benchmarks, their options, results."""

import re
from pathlib import Path

import pytest

from hardsight.evaluation.published import tables

ROOT = Path(__file__).parents[1]
RESEARCH = ROOT / "docs" / "research"
PAGES = sorted(RESEARCH.glob("*.md"))
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
SHARED = ("sets.py", "timing.py")
"""Files of benchmarks/ that add options to others."""

text = {path: path.read_text(encoding="utf-8") for path in DOCUMENTS}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def links(path: Path) -> list[str]:
    """Return the targets of a document's links and pictures that are no web addresses."""
    prose = re.sub(r"```.*?```", "", text[path], flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", prose)
    return [t for t in targets if not re.match(r"[a-z]+:", t)]


def anchors(path: Path) -> set[str]:
    """Return the fragments by which GitHub reaches a document's headings."""
    headings = re.findall(r"^#+ (.+)$", text[path], re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def options(*scripts: str) -> set[str]:
    sources = ((ROOT / "benchmarks" / s).read_text(encoding="utf-8") for s in scripts)
    return {option for source in sources for option in re.findall(r'"(--[a-z0-9-]+)"', source)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_relative_links_lead_somewhere(path):
    for link in links(path):
        place, _, fragment = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        assert target.exists(), f"{name(path)} links to {link}, which does not exist"
        if fragment:
            assert fragment in anchors(target), f"{name(path)}: no heading for {link}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_benchmarks_and_their_options_exist(path):
    for snippet in re.findall(r"`(benchmarks/[^`]+)`", text[path]):
        script, *words = snippet.split()
        assert (ROOT / script).is_file(), f"{name(path)} names {script}, which does not exist"
        asked = {w for w in words if w.startswith("--")}
        assert asked <= options(Path(script).name, *SHARED), f"{name(path)}: {snippet}"


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_a_page_is_short_and_listed(path):
    assert len(text[path].splitlines()) <= 150
    assert path.name == "README.md" or path.name in links(RESEARCH / "README.md")


def test_every_result_has_a_page():
    linked = {(p.parent / link).resolve() for p in PAGES for link in links(p)}
    assert set((ROOT / "benchmarks" / "results").glob("*.json")) <= linked


EXAMPLES = (
    "detectors/gaussian_method.py",
    "attacks/mi_fgsm.py",
    "data/layouts/magnetic_tile.py",
    "metrics/balanced_accuracy.py",
)


@pytest.mark.parametrize("example", EXAMPLES)
def test_contributing_shows_the_examples_that_tests_add(example):
    source = (ROOT / "tests" / example).read_text(encoding="utf-8")
    assert f"```python\n{source}```" in text[ROOT / "CONTRIBUTING.md"]
    assert len(source.splitlines()) <= 41


VERDICTS = ("reproduced", "not reproduced: ", "not tested: ")


@pytest.mark.parametrize("paper", ["purification", "rap"])
def test_every_claim_of_a_paper_has_a_verdict(paper):
    page = text[ROOT / f"docs/papers/{paper}.md"]
    rows = page.partition("| claim | where | verdict |\n|---|---|---|\n")[2].split("\n\n")[0]
    verdicts = [row.strip("| ").split(" | ")[-1] for row in rows.splitlines()]
    assert len(verdicts) >= 10
    assert all(verdict.startswith(VERDICTS) for verdict in verdicts)
    places = " ".join(row.strip("| ").split(" | ")[1] for row in rows.splitlines())
    for table in tables():
        if table.place.startswith({"purification": "Blau et al.", "rap": "RAP"}[paper]):
            assert table.table.removeprefix("Section ") in places, table.place
