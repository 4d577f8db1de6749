"""``hardsight leaderboard``: the entries of a benchmark as static pages."""

from pathlib import Path
from typing import Annotated

import typer

from hardsight.cli.console import explained, say
from hardsight.core.near import check_there
from hardsight.core.outputs import check_folder


def leaderboard(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="Folder of entries, searched to the bottom.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the pages.")] = Path(
        "site"
    ),
) -> None:
    """Write pages that sort and filter, one a method, with JSON and CSV to download.

    They need no server and no network.

    Examples:

        hardsight leaderboard benchmark -o site
    """
    with explained():
        check_there(str(results), "RESULTS")
        check_folder(output, "--output")
    from hardsight.benchmark import write_site

    with explained():
        say("Leaderboard: ", (str(write_site(results, output)), "bold"))
