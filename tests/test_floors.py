"""The house has floors: a room imports only from rooms below it."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import hardsight

SOURCE = Path(hardsight.__file__).parent
FLOORS = (
    "core",
    "metrics",
    "backbones",
    "synthesis",
    "augment",
    "data",
    "diffusion",
    "training",
    "attacks",
    "classifiers",
    "purifiers",
    "detectors",
    "export",
    "certify",
    "evaluation",
    "audit",
    "reports",
    "config",
    "runs",
    "benchmark",
    "scale",
    "serve",
    "connections",
    "cli",
)


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Rooms of hardsight that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the floor"
            found.add(node.module or "")
    return {n.split(".")[1] for n in found if n.startswith("hardsight.")}


FILES = sorted(p for p in SOURCE.rglob("*.py") if p.parent != SOURCE or room(p) in FLOORS)


def test_no_room_lacks_a_floor():
    rooms = {room(p) for p in SOURCE.rglob("*.py")} - {"__init__", "__main__"}
    assert rooms == set(FLOORS), "give it one here and in CONTRIBUTING"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_room_imports_only_from_below(path):
    upward = {r for r in imports(path) if FLOORS.index(r) > FLOORS.index(room(path))}
    assert not upward, f"{path.name} reaches up to {upward}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_file_is_short_enough_to_hold_one_noun(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def module(path: Path) -> str:
    parts = ("hardsight", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(p): p for p in SOURCE.rglob("*.py")}


def imported(path: Path) -> set[str]:
    """Files of hardsight that a file imports, in functions and for type checking too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            whole = node.module or ""
            inside = {f"{whole}.{a.name}" for a in node.names}
            found |= {i if i in MODULES else whole for i in inside}
    return found & MODULES.keys() - {module(path)}


def test_no_files_import_each_other_in_a_loop():
    graph = {name: imported(path) for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"files import each other in a loop: {' <- '.join(error.args[1])}")


def test_files_of_tests_have_a_name_each():
    """pytest imports them by their name alone."""
    names = [p.name for p in Path(__file__).parent.rglob("*.py") if p.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))
