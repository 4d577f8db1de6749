"""The figures that benchmarks keep under results/."""

import json
from pathlib import Path
from typing import Any

from hardsight.core.files import write_atomically

RESULTS = Path(__file__).parent / "results"


def kept(name: str) -> dict[str, Any]:
    """Return what ``results/<name>.json`` holds, nothing if there is no such file."""
    path = RESULTS / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def keep(name: str, key: str, figures: Any) -> None:
    """Put figures under a key of ``results/<name>.json``, beside what is there by now."""
    write(name, kept(name) | {key: figures})


def write(name: str, figures: dict[str, Any]) -> None:
    """Let ``results/<name>.json`` hold these figures and no others."""
    write_atomically(RESULTS / f"{name}.json", json.dumps(figures, indent=1) + "\n")
