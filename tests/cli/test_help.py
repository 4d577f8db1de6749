"""Help, of the program and of each command: at once, so without torch."""

import subprocess
import sys

import pytest
import typer.main
from typed import call

from hardsight.cli.app import app

COMMANDS = sorted(typer.main.get_command(app).commands)
SLOW = {"torch", "torchvision", "diffusers", "timm", "sklearn", "scipy", "matplotlib"}
PROBE = f"""
import sys
from typer.testing import CliRunner
from hardsight.cli.app import app
for words in (["--help"], *([name, "--help"] for name in {COMMANDS})):
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
print(*sorted({SLOW} & set(sys.modules)))
"""


def test_help_imports_nothing_that_takes_seconds():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


UNUSED = {"torchvision", "diffusers", "timm", "matplotlib", "sklearn", "scipy.stats", "tensorboard"}
LISTS = f"""
import sys
from typer.testing import CliRunner
from hardsight.cli.app import app
for words in (["suites"], ["presets", "patchguard"], ["methods"]):
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
print(*sorted({UNUSED} & set(sys.modules)))
"""


def test_lists_import_no_library_that_they_do_not_use():
    """Those of networks take longer than torch itself, and wait until a network is built."""
    done = subprocess.run([sys.executable, "-c", LISTS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does(name):
    said = call(name, "--help").stdout
    assert f"hardsight {name}" in " ".join(said.split())  # an example
