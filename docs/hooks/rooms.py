"""The reference of the package: a page for every room, from the docstrings of what it exports."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

SOURCE = Path(__file__).parents[2] / "src" / "hardsight"
ROOMS = sorted(place.parent.name for place in SOURCE.glob("*/__init__.py"))
"""A room whose page is written by hand, as those that export nothing, keeps it."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the rooms at the end of the section ``Reference``."""
    for entry in config.nav or ():
        if isinstance(entry, dict) and "Reference" in entry:
            entry["Reference"] += [f"reference/{room}.md" for room in ROOMS]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that nobody wrote."""
    for room in ROOMS:
        page = f"reference/{room}.md"
        if files.get_file_from_path(page) is None:
            text = f"# {room}\n\n::: hardsight.{room}\n"
            files.append(File.generated(config, page, content=text))
    return files
