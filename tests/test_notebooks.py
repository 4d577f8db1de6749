"""Every notebook runs, and prints what it shows."""

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs/notebooks").glob("*.ipynb"))


def printed(cell) -> str:
    """What a cell printed, in words, without warnings."""
    said = [o for o in cell.get("outputs", ()) if o.get("name") == "stdout"]
    return " ".join("".join("".join(o["text"]) for o in said).split())


def drawings(cells) -> int:
    """How many pictures were drawn."""
    return sum("image/png" in o.get("data", ()) for c in cells for o in c.get("outputs", ()))


def test_there_are_three_and_each_is_listed():
    index = (NOTEBOOKS[0].parent / "index.md").read_text(encoding="utf-8")
    assert len(NOTEBOOKS) == 3
    assert all(f"({path.name})" in index for path in NOTEBOOKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_runs_and_prints_what_it_shows(path):
    nbformat = pytest.importorskip("nbformat", reason="notebooks are run by nbclient, of dev")
    nbclient = pytest.importorskip("nbclient", reason="notebooks are run by nbclient, of dev")
    pytest.importorskip("ipykernel", reason="notebooks are run by ipykernel, of dev")
    shown = json.loads(path.read_text(encoding="utf-8"))["cells"]
    book = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    assert [printed(cell) for cell in book.cells] == [printed(cell) for cell in shown]
    assert drawings(book.cells) == drawings(shown)
