"""What README, site and help texts print must exist: commands with their options, Python."""

import pkgutil
import re
import shlex
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import typer.main
from torch import Tensor
from typer.testing import CliRunner

from hardsight.cli.app import app
from hardsight.cli.fit import _settings
from hardsight.config import load_preset
from tiny_parts import write_parts

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [
    block
    for path in DOCUMENTS
    for block in re.findall(r"```(\w+)\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]
PROSE = [
    " ".join(words.split())
    for path in (*DOCUMENTS, *sorted((ROOT / "src").rglob("*.py")))
    for words in re.findall(
        r"`([^`]+)`" if path.suffix == ".md" else r"`([^`\n]+)`",
        re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL),
    )
]
SHELL = [
    shlex.split(line, comments=True)
    for kind, text in BLOCKS
    if kind == "console"
    for line in text.replace("\\\n", " ").splitlines()
]
COMMANDS = [words[1:] for words in SHELL if words[:1] == ["hardsight"]]
MENTIONED = sorted({text for text in PROSE if re.match(r"hardsight [a-z]", text)})
NAMES = sorted({text for text in PROSE if re.fullmatch(r"hardsight(\.(?!json)\w+)+", text)})
FITS = sorted({shlex.join(words) for words in COMMANDS if words[0] == "fit"}) + [
    text.removeprefix("hardsight ") for text in MENTIONED if text.startswith("hardsight fit ")
]
MAKE = {
    words[1] for words in (*SHELL, *map(str.split, PROSE)) if words[:1] == ["make"] and words[1:]
}
KNOWN = typer.main.get_command(app).commands


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_that_is_shown_parses(words):
    KNOWN[words[0]].make_context(words[0], words[1:])


@pytest.mark.parametrize("text", MENTIONED)
def test_a_command_that_is_mentioned_exists_with_its_options(text):
    _, command, *words = text.split()
    options = {o for p in KNOWN[command].params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
    assert {w.partition("=")[0] for w in words if w.startswith("--")} <= options


@pytest.mark.parametrize("text", [text for text in FITS if " --set " in text])
def test_settings_that_are_shown_exist_in_the_preset(text):
    _, *words = shlex.split(text)
    preset = "advrad" if words[0].startswith("-") else words[0]
    load_preset(preset).updated(_settings([b for a, b in pairwise(words) if a == "--set"], {}))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_python_that_is_mentioned_exists(name):
    pkgutil.resolve_name(name)


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert MAKE
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in MAKE)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory, tiny_preset):
    """A folder that holds what the snippets speak of: parts, new pictures and a fitted run."""
    folder = tmp_path_factory.mktemp("workshop")
    write_parts(folder / "parts")
    (folder / "new").mkdir()
    for name, source in (("first", "good"), ("second", "spot")):
        shutil.copy(folder / f"parts/test/{source}/000.png", folder / f"new/{name}.png")
    words = ["fit", str(tiny_preset), "--data", str(folder / "parts")]
    done = CliRunner().invoke(app, [*words, "--run", str(folder / "runs/parts")])
    assert done.exit_code == 0, done.output
    return folder


def my_model(images: Tensor) -> Tensor:
    """(B, 3, H, W) -> (B,): what somebody else's detector may be."""
    return (images - images.mean((2, 3), keepdim=True)).square().flatten(1).amax(1)


@pytest.mark.parametrize("text", PYTHON, ids=lambda t: t.strip().splitlines()[0])
def test_the_python_runs(text, workshop, monkeypatch):
    monkeypatch.chdir(workshop)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        exec(compile(text, "documentation", "exec"), {"my_model": my_model})
