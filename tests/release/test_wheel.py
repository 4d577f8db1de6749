"""Wheel and source distribution: what they hold, and that a user can install and use them."""

import subprocess
import tarfile
import zipfile

import pytest
import yaml
from environment import PROJECT, ROOT, UnreachableError, build, resolve
from try_wheel import FORMS, attempt

import hardsight


def reached(function, *arguments):
    """Return what a function that asks the registry returns, or skip where none answers."""
    try:
        return function(*arguments)
    except UnreachableError as error:
        pytest.skip(f"the package registry does not answer: {error}")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return reached(build, tmp_path_factory.mktemp("dist"))


def tracked(*folders: str) -> set[str]:
    """Return the files of folders that git knows."""
    words = ["git", "ls-files", *folders]
    return set(subprocess.check_output(words, cwd=ROOT, text=True).splitlines())


def test_the_version_is_the_projects_everywhere():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert hardsight.__version__ == cited["version"] == PROJECT["version"]
    assert changes.split("## ")[1].split()[0] == PROJECT["version"]


@pytest.mark.slow
def test_the_wheel_holds_all_of_the_package_and_the_licence(built):
    wheel, _ = built
    names = set(zipfile.ZipFile(wheel).namelist())
    held = {name for name in names if not name.partition("/")[0].endswith(".dist-info")}
    assert held == {name.removeprefix("src/") for name in tracked("src")}
    assert f"hardsight-{PROJECT['version']}.dist-info/licenses/LICENSE" in names


@pytest.mark.slow
def test_the_source_distribution_holds_what_the_wheel_is_built_from(built):
    _, source = built
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    papers = {"README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "constraints.txt"}
    by_hatch = {"pyproject.toml", "PKG-INFO", ".gitignore"}
    assert names == tracked("src") | papers | by_hatch


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_the_wheel_works_in_an_empty_environment(form, built):
    reached(attempt, built[0], form)


@pytest.mark.slow
@pytest.mark.parametrize("extra", PROJECT["optional-dependencies"])
def test_every_extra_goes_together_with_the_constraints(extra):
    pinned = dict(line.split("==") for line in reached(resolve, extra).splitlines() if "==" in line)
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    known = dict(line.split("==") for line in lines if "==" in line)
    assert {"torch", "numpy"} <= pinned.keys()
    assert all(known.get(name, version) == version for name, version in pinned.items())
