"""Files outside docs/ that pages link to: they become files of the site, at the same place.

A link to a folder leads to the first page that another hook has made of it.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

LINK = re.compile(r"(\]\()((?:\.\./)+)([^)\s#]+)")
ROOT = Path(__file__).parents[2]


def _outside(place: Path, ups: str) -> bool:
    """Tell whether a link of the page at ``place`` leaves docs/."""
    return ups.count("../") == len(place.parents)


def _target(rest: str) -> str:
    """Return the file of a link to a file or a folder outside docs/."""
    return f"{rest.rstrip('/')}/index.html" if (ROOT / rest).is_dir() else rest


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add to the site every file outside docs/ that a page links to."""
    for page in files.documentation_pages():
        for _, ups, rest in LINK.findall(page.content_string):
            target = _target(rest)
            if _outside(Path(page.src_uri), ups) and files.get_file_from_path(target) is None:
                files.append(File.generated(config, target, abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links that leave docs/ to these files."""

    def inside(found: re.Match[str]) -> str:
        start, ups, rest = found.groups()
        leaves = _outside(Path(page.file.src_uri), ups)
        return f"{start}{ups.removeprefix('../')}{_target(rest)}" if leaves else found.group()

    return LINK.sub(inside, markdown)
