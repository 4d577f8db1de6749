"""The navigation of the research notes: the pages that their first page lists, in its order."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

FIRST = "research/README.md"
ROW = re.compile(r"^\| \[[^]]+\]\(([\w-]+\.md)\)", re.MULTILINE)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the listed pages below the first one."""
    text = (Path(config.docs_dir) / FIRST).read_text(encoding="utf-8")
    listed = [FIRST, *(f"research/{name}" for name in ROW.findall(text))]
    config.nav = [{"Research": listed} if e == {"Research": FIRST} else e for e in config.nav or ()]
    return config
