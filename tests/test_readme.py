"""What the README prints must exist: its commands with their options, its names in Python."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest
import typer.main

from hardsight.cli.app import app

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
PYTHON = [text for kind, text in BLOCKS if kind == "python"]
SHELL = [
    line.split("#")[0].split()
    for kind, text in BLOCKS
    if kind == "console"
    for line in text.splitlines()
]
COMMANDS = [words for words in SHELL if words and words[0] == "hardsight"]
MAKE = [words[1] for words in SHELL if words and words[0] == "make"]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_and_options_exist(words):
    known = typer.main.get_command(app).commands
    assert words[1] in known
    options = {o for p in known[words[1]].params for o in (*p.opts, *p.secondary_opts)}
    assert {w for w in words[2:] if w.startswith("--")} <= options


def test_make_targets_exist():
    makefile = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8")
    assert MAKE
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in MAKE)


@pytest.mark.parametrize("text", PYTHON, ids=lambda t: t.strip().splitlines()[0])
def test_what_python_imports_exists(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            room = import_module(node.module)
            assert all(hasattr(room, alias.name) for alias in node.names)
