"""Empty environments, into which a wheel of this checkout is installed."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ("--constraints", str(ROOT / "constraints.txt"))
UNREACHED = r"Failed to fetch|Could not connect|error sending request|dns error"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


class UnreachableError(RuntimeError):
    """The package registry does not answer."""


@dataclass(frozen=True)
class Environment:
    """An environment that holds a wheel and nothing of this checkout."""

    folder: Path
    work: Path
    """An empty folder, in which its programs run."""

    def run(self, *words: object) -> str:
        """Run a program of the environment, and return what it printed.

        Raises:
            RuntimeError: it failed; with what it said.
        """
        return run(self.command(*words), self.work)

    def command(self, *words: object) -> list[str]:
        """Return the words that run a program of the environment."""
        return [str(self.folder / "bin" / str(words[0])), *map(str, words[1:])]


def build(folder: Path) -> tuple[Path, Path]:
    """Build wheel and source distribution into a folder, and return their paths.

    Raises:
        UnreachableError: the build backend cannot be fetched.
    """
    run([uv(), "build", "--quiet", "--out-dir", str(folder)], ROOT)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def install(wheel: Path, folder: Path, extras: tuple[str, ...] = ()) -> Environment:
    """Make an empty environment, and install a wheel with extras under the constraints.

    Raises:
        UnreachableError: its dependencies cannot be fetched.
    """
    made = Environment(folder / "environment", folder / "work")
    made.work.mkdir(parents=True)
    asked = str(wheel.resolve()) + (f"[{','.join(extras)}]" if extras else "")
    run([uv(), "venv", "--quiet", "--python", sys.executable, str(made.folder)], ROOT)
    place = ("--python", str(made.folder), *CONSTRAINTS)
    run([uv(), "pip", "install", "--quiet", *place, asked], ROOT)
    return made


def resolve(extra: str) -> str:
    """Return the pinned packages of an extra under the constraints, a line each.

    Raises:
        UnreachableError: the registry does not answer.
        RuntimeError: they do not go together.
    """
    words = ("--quiet", "--no-annotate", "--no-header", "--python", sys.executable)
    asked = (*words, *CONSTRAINTS, "--extra", extra, "pyproject.toml")
    return run([uv(), "pip", "compile", *asked], ROOT)


def run(words: list[str], folder: Path) -> str:
    """Run a command in a folder, and return what it printed.

    Raises:
        UnreachableError: it asked the registry, which did not answer.
        RuntimeError: it failed otherwise; with what it said.
    """
    done = subprocess.run(
        words, cwd=folder, env=clean(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr + done.stdout
        kind = UnreachableError if re.search(UNREACHED, said) else RuntimeError
        raise kind(f"{' '.join(words)} ended with {done.returncode}: {said[-2000:]}")
    return done.stdout


def clean() -> dict[str, str]:
    """Return the environment variables, less those that show Python this checkout."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}


def uv() -> str:
    """Return the path of uv, beside this Python or on PATH.

    Raises:
        FileNotFoundError: it is in neither place.
    """
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    if (found := shutil.which("uv", path=places)) is None:
        raise FileNotFoundError(f"no uv in {places}: make setup installs it")
    return found
