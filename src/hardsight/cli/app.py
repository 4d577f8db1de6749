"""The commands, gathered."""

import inspect
import logging
import re
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich.logging import RichHandler
from typer.core import TyperCommand, TyperGroup

from hardsight.cli.audit import audit
from hardsight.cli.benchmark import benchmark
from hardsight.cli.bundle import bundle, verify
from hardsight.cli.calibrate import calibrate
from hardsight.cli.card import card
from hardsight.cli.certify import certify
from hardsight.cli.console import errors, speak_utf8
from hardsight.cli.data import data
from hardsight.cli.demo import demo
from hardsight.cli.doctor import doctor
from hardsight.cli.drift import drift
from hardsight.cli.evaluate import evaluate
from hardsight.cli.export import export
from hardsight.cli.fit import fit
from hardsight.cli.leaderboard import leaderboard
from hardsight.cli.lists import methods, presets, suites
from hardsight.cli.score import score
from hardsight.cli.serve import serve
from hardsight.cli.watch import watch
from hardsight.core.memory import keep_memory
from hardsight.core.threads import share_cpus

LISTS = re.compile(r"<list\[\w+\]>")
"""Types of arguments of which there may be several, as typer shows them."""


class Command(TyperCommand):
    """A command whose help has "..." after what may be given several times, no type of Python."""

    def get_help(self, ctx: Any) -> str:
        """Return the help, whose columns stay where they are."""
        return LISTS.sub(lambda found: "...".ljust(len(found[0])), super().get_help(ctx))


def _help(command: Callable[..., None]) -> str:
    """Return a command's docstring, whose indented paragraphs, as of examples, keep their lines."""
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    return "\n\n".join(f"\b\n{text}" if text.startswith(" ") else text for text in paragraphs)


MEANT = {
    "attack": "evaluate",
    "detect": "score",
    "infer": "score",
    "predict": "score",
    "report": "evaluate",
    "test": "evaluate",
    "train": "fit",
}
"""What other tools call a command -> its name here."""


class Commands(TyperGroup):
    """The commands, and which of them the name of another tool's means."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return a command; a name of ``MEANT`` is answered by the command that it means."""
        if args and args[0] in MEANT:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {MEANT[args[0]]!r}?")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="hardsight",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # wide tables leave descriptions a dozen letters of 80
    pretty_exceptions_show_locals=False,
    help="Visual anomaly detection that holds up under attack, and the honest measurement of "
    "whether it does.\n\nTry `hardsight demo` first; then `hardsight fit` on a folder of your own "
    "good parts.",
)
for command in (
    demo, fit, calibrate, score, watch, serve, drift, evaluate, audit, certify, card,
    benchmark, leaderboard, export, bundle, verify, data, methods, presets, suites, doctor,
):  # fmt: skip
    said = _help(command)
    app.command(cls=Command, help=said, short_help=said.partition("\n")[0])(command)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(version("hardsight"))
        raise typer.Exit


@app.callback()
def _setup(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the library's log.")
    ] = False,
) -> None:
    handler = RichHandler(console=errors, show_path=False, show_time=False)
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(message)s", handlers=[handler])
    logging.getLogger("lightning_fabric").setLevel(level)
    logging.getLogger("hardsight.data.mirror").setLevel(logging.INFO)  # it can take minutes


def main() -> None:
    """Run the command line."""
    speak_utf8()
    share_cpus()
    keep_memory()
    app()
