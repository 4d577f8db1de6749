"""The site of documentation: what it is made from is there, and it builds strictly."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


class Settings(yaml.SafeLoader):
    """Reads mkdocs.yml, whose functions of Python it leaves out."""


Settings.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def pages(nav: list) -> set[str]:
    """Return the pages that a navigation names, at any depth."""
    found: set[str] = set()
    for entry in nav:
        for target in entry.values() if isinstance(entry, dict) else [entry]:
            found |= pages(target) if isinstance(target, list) else {target}
    return found


SETTINGS = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Settings)
NAMED = pages(SETTINGS["nav"])


def listed(first: str) -> set[str]:
    """Return the pages that the tables of a section's first page list."""
    rows = re.findall(r"^\|.*", (DOCS / first).read_text(encoding="utf-8"), re.MULTILINE)
    links = re.findall(r"\]\(([\w./-]+\.md)\)", "\n".join(rows))
    return {os.path.relpath((DOCS / first).parent / link, DOCS) for link in links}


def dead(page: Path) -> list[str]:
    """Return the links and pictures of a built page that lead to no file or no heading."""
    targets = re.findall(r'(?:href|src)="?([^" >]+)', page.read_text(encoding="utf-8"))
    found = []
    for target in {html.unescape(t) for t in targets if not re.match(r"[a-z]+:|//|/", t)}:
        place, _, fragment = unquote(target).partition("#")
        there = (page.parent / place.partition("?")[0]).resolve() if place else page
        if not there.is_file():
            found.append(target)
        elif fragment and there.suffix == ".html":
            marks = re.findall(r'(?:id|name)="?([^" >]+)', there.read_text(encoding="utf-8"))
            if fragment not in map(html.unescape, marks) and fragment != "__skip":
                found.append(target)
    return found


def test_the_navigation_leads_to_every_page():
    rooms = {f"reference/{p.name}.md" for p in (ROOT / "src/hardsight").iterdir()}
    written = {p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md")}
    assert NAMED.union(rooms, *map(listed, NAMED & written)) >= written


def test_names_in_tables_stay_whole_in_a_narrow_window():
    (style,) = SETTINGS["extra_css"]
    assert "td code" in (DOCS / style).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_site_builds_strictly_and_asks_nothing_of_a_network(tmp_path):
    for package in ("mkdocs", "material", "mkdocstrings", "latex2mathml"):
        pytest.importorskip(package, reason="the site is built by the extra docs")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    broken = [f"{page.name}: {link}" for page in tmp_path.rglob("*.html") for link in dead(page)]
    assert not broken
    for page in tmp_path.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r'(?:src|stylesheet"[^>]*href)="?https?:', text), page
        assert "arithmatex" not in text, f"{page}: a formula was not drawn"
