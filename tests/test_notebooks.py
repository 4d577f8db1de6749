"""Every notebook runs, and prints and draws what it shows."""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs/notebooks").glob("*.ipynb"))


def printed(cell) -> str:
    """What a cell shows as printed."""
    outputs = (o for o in cell["outputs"] if o["output_type"] == "stream")
    return "".join("".join(o["text"]) for o in outputs)


def drawn(cell) -> int:
    """How many pictures a cell shows."""
    return sum("image/png" in o.get("data", ()) for o in cell["outputs"])


def test_there_are_three_and_each_is_listed():
    index = (NOTEBOOKS[0].parent / "index.md").read_text(encoding="utf-8")
    assert len(NOTEBOOKS) == 3
    assert all(f"({path.name})" in index for path in NOTEBOOKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_runs_and_shows_what_its_code_prints_and_draws(path):
    plt.switch_backend("Agg")
    names: dict[str, object] = {}
    with torch.random.fork_rng([]):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] != "code":
                continue
            said = io.StringIO()
            with redirect_stdout(said):
                exec(compile("".join(cell["source"]), path.name, "exec"), names)
            assert said.getvalue().split() == printed(cell).split()
            assert len(plt.get_fignums()) == drawn(cell)
            plt.close("all")
