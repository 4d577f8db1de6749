"""Help, and what is said of runs that are not there: at once, so without torch."""

import re
import shlex
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer.main
from typed import call

from hardsight.cli.app import MEANT, app

KNOWN = typer.main.get_command(app).commands
COMMANDS = sorted(KNOWN)
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


RUNS = [name for name in COMMANDS if "RUN" in [p.metavar for p in KNOWN[name].params]]
MORE = {"score": ["x"], "watch": ["x"], "drift": ["x"], "bundle": ["-o", "x.hsb"]}
MISTYPED = f"""
import sys
from typer.testing import CliRunner
from hardsight.cli.app import app
for words in {[[name, "typo", *MORE.get(name, [])] for name in RUNS]}:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1, (words, done.output)
    assert "typo is not a run folder: it does not exist" in done.stderr, (words, done.output)
print(*sorted({SLOW} & set(sys.modules)))
"""


def test_a_mistyped_run_is_refused_before_anything_is_imported_that_takes_seconds(tmp_path):
    assert len(RUNS) == 11
    done = subprocess.run(
        [sys.executable, "-c", MISTYPED], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


GIVEN = [
    (["fit", "patchcroe", "--data", "parts"], "did you mean 'patchcore'?"),
    (["presets", "patchcroe"], "did you mean 'patchcore'?"),
    (["fit", "patchcore"], "there are no images to fit: name a data set with --data"),
    (["fit", "rap-mnist", "--set", "training.steps=9"], "there are no images to fit"),
    (["fit", "--data", "part"], "--data='part' does not exist; did you mean 'parts'"),
    (["fit", "--data", "parts", "--start", "photo"], "did you mean 'photographs'?"),
    (["data", "part"], "DATA='part' does not exist; did you mean 'parts'"),
    (["data", "parts", "--seed", "1"], "--seed: only with --write"),
    (["leaderboard", "part"], "RESULTS='part' does not exist; did you mean 'parts'"),
    (["verify", "part.hbs"], "no such bundle: part.hbs; did you mean 'part.hsb'?"),
    (["verify", "some.txt"], "some.txt is no bundle, or is truncated"),
    (["score", "some.txt", "x"], "some.txt is no bundle, or is truncated"),
    (["evaluate", "run", "--purify", "photo"], "did you mean 'photographs'?"),
    *[
        ([name, "run", *MORE.get(name, []), "--data", "part"], "did you mean 'parts'")
        for name in RUNS
        if any("--data" in p.opts for p in KNOWN[name].params)
    ],
]
MISTYPED_ELSE = f"""
import sys
from typer.testing import CliRunner
from hardsight.cli.app import app
for words, said in {GIVEN}:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1, (words, done.output)
    assert said in done.stderr, (words, done.output)
print(*sorted({SLOW} & set(sys.modules)))
"""


def test_what_is_mistyped_or_not_named_is_refused_as_soon(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "parts").mkdir()
    for name in ("run/config.yaml", "some.txt", "part.hsb"):
        (tmp_path / name).touch()
    done = subprocess.run(
        [sys.executable, "-c", MISTYPED_ELSE], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


DEVICES = [
    (name, ["run"] * (name in RUNS), MORE.get(name, []))
    for name in COMMANDS
    if name != "verify" and "device" in [p.name for p in KNOWN[name].params]
]
NO_DEVICE = f"""
import sys
from typer.testing import CliRunner
from hardsight.cli.app import app
for name, run, more in {DEVICES}:
    words = [name, *run, *more, "--device", "gpu"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1, (words, done.output)
    assert "device='gpu' is not known" in done.stderr, (words, done.output)
print(*sorted({{"hardsight.runs", "hardsight.config"}} & set(sys.modules)))
"""


def test_a_device_that_is_not_there_is_refused_before_more_than_torch_is_imported(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.yaml").touch()
    done = subprocess.run(
        [sys.executable, "-c", NO_DEVICE], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_the_version_is_that_of_the_package():
    assert call("--version").output.strip() == version("hardsight")


@pytest.mark.parametrize(
    ("name", "meant"), [("attack", "evaluate"), ("train", "fit"), ("predict", "score")]
)
def test_what_other_tools_call_a_command_is_answered_by_its_name_here(name, meant):
    done = call(name, "runs/bottle")
    assert done.exit_code == 2
    assert f"No such command {name!r}. Did you mean {meant!r}?" in done.stderr


def test_no_name_of_another_tool_is_one_of_ours():
    assert not MEANT.keys() & KNOWN.keys()
    assert set(MEANT.values()) <= KNOWN.keys()


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


EXAMPLES = {
    name: re.findall(r"^    hardsight (.+)", command.help, re.MULTILINE)
    for name, command in KNOWN.items()
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_itself_in_examples_that_parse(name):
    shown = [shlex.split(line.partition(" > ")[0]) for line in EXAMPLES[name]]
    assert name in [words[0] for words in shown]
    for words in shown:
        KNOWN[words[0]].make_context(words[0], words[1:])


@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_stays_a_line_in_a_narrow_terminal(name):
    lines = call(name, "--help").stdout.splitlines()
    assert {f"hardsight {line}" for line in EXAMPLES[name]} <= {line.strip() for line in lines}
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("name", "argument"),
    [("score", "IMAGES"), ("calibrate", "IMAGES"), ("drift", "PARTS"), ("serve", "RUN")],
)
def test_an_argument_of_which_there_may_be_several_has_dots_and_no_type_of_python(name, argument):
    help_of = call(name, "--help").stdout
    (line,) = (one for one in help_of.splitlines() if one.startswith(f"  {argument} "))
    assert line.split()[1] == "..."
    assert "list[" not in help_of


def test_alpha_is_the_failure_probability_of_a_certificate_and_nothing_else():
    """An attack's step, which some libraries call alpha, is its step size here."""
    options = {name: {o for p in command.params for o in p.opts} for name, command in KNOWN.items()}
    assert [name for name, found in options.items() if "--alpha" in found] == ["certify"]
    assert "--step-size" in options["evaluate"]
