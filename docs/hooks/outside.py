"""Files outside docs/ that pages link to: they become files of the site, at the same place."""

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


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add to the site every file outside docs/ that a page links to."""
    for page in files.documentation_pages():
        for _, ups, rest in LINK.findall(page.content_string):
            if _outside(Path(page.src_uri), ups) and files.get_file_from_path(rest) is None:
                files.append(File.generated(config, rest, abs_src_path=str(ROOT / rest)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links that leave docs/ to these files."""

    def inside(found: re.Match[str]) -> str:
        start, ups, rest = found.groups()
        leaves = _outside(Path(page.file.src_uri), ups)
        return f"{start}{ups.removeprefix('../') if leaves else ups}{rest}"

    return LINK.sub(inside, markdown)
