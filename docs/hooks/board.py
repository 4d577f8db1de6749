"""The board: the pages of the leaderboard, made of the entries in board/."""

from pathlib import Path
from tempfile import TemporaryDirectory

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from hardsight.benchmark import write_site

ENTRIES = Path(__file__).parents[2] / "board"
MADE = TemporaryDirectory(prefix="hardsight-board-")
"""Where the pages lie until the build has copied them."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to the site, below board/."""
    write_site(ENTRIES, MADE.name)
    for path in sorted(Path(MADE.name).rglob("*")):
        if path.is_file():
            place = f"{ENTRIES.name}/{path.relative_to(MADE.name).as_posix()}"
            files.append(File.generated(config, place, abs_src_path=str(path)))
    return files
