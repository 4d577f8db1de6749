"""The reference of the command line, from the commands themselves."""

from collections.abc import Iterator
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from typer.main import get_command

from hardsight.cli.app import app

MARKER = "<!-- commands -->"


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put every command with its arguments and options in the place of the marker."""
    if MARKER not in markdown:
        return markdown
    return markdown.replace(MARKER, "\n".join(commands()))


def commands() -> Iterator[str]:
    """Yield the lines of all commands, in the order of ``hardsight --help``."""
    for name, command in get_command(app).commands.items():
        shown = [p for p in command.params if not p.hidden and p.name != "help"]
        usage = [_usage(p) for p in shown if p.param_type_name == "argument"]
        yield f"## {name}\n"
        yield f"```text\n{' '.join(['hardsight', name, *usage, '[OPTIONS]'])}\n```\n"
        text = command.help.replace("\b\n", "")  # which keeps lines in a terminal
        yield f"{text}\n"
        yield "| argument or option | what it is | default |\n|---|---|---|"
        yield from map(_row, shown)
        yield ""


def _named(parameter: Any) -> str:
    return parameter.metavar or parameter.name.upper()


def _usage(argument: Any) -> str:
    return _named(argument) if argument.required else f"[{_named(argument)}]"


def _row(parameter: Any) -> str:
    argument = parameter.param_type_name == "argument"
    names = [_named(parameter)] if argument else [*parameter.opts, *parameter.secondary_opts]
    default = "required" if parameter.required else parameter.default
    shown = "" if default is None or callable(default) else f"`{default}`"
    cells = (", ".join(f"`{n}`" for n in names), parameter.help or "", shown)
    return "| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |"
