"""The navigation of a section: the pages that the tables of its first page list, in their order."""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

LINK = re.compile(r"\]\(([\w./-]+)\.(?:md|ipynb)\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the listed pages below the first page of every section that names no others."""
    config.nav = [_section(entry, Path(config.docs_dir)) for entry in config.nav or ()]
    return config


def _section(entry: object, docs: Path) -> object:
    match entry:
        case dict() if all(isinstance(first, str) for first in entry.values()):
            return {title: [first, *_listed(first, docs)] for title, first in entry.items()}
    return entry


def _listed(first: str, docs: Path) -> list[str]:
    lines = (docs / first).read_text(encoding="utf-8").splitlines()
    links = [link for line in lines if line.startswith("|") for link in LINK.findall(line)]
    return [
        posixpath.normpath(posixpath.join(posixpath.dirname(first), f"{link}.md")) for link in links
    ]
