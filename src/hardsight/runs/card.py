"""The card of a run: what it is, what it was made of, what was measured of it and what was not."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hardsight.core.words import in_words
from hardsight.detectors.card import front_matter, readable
from hardsight.reports.page import bullets
from hardsight.runs.measured import Measured

CARD = "README.md"
"""Its file in the run folder."""
HASHED = ("*.json", "*.yaml", "*.safetensors", "*/*.safetensors")
"""Files whose SHA-256 the card has; what a training left to resume from is not among them."""
LIMITS = (
    "An attack bounds robustness from above: a stronger one may leave less. Only a certificate "
    "excludes that, and only within its L2 radius.",
    "It knows the images that it was trained on: of another object, camera, light or focus its "
    "answers mean nothing. hardsight drift says whether images are still those.",
)


@dataclass(frozen=True)
class About:
    """What a card says of a kind of run, in lines of Markdown."""

    summary: str
    """What it is, in a sentence."""
    loading: str
    """Python that loads it from THIS FOLDER and uses it."""
    data: tuple[str, ...]
    """What it was trained on, held against and is tested on."""
    limits: tuple[str, ...]
    threshold: str = ""
    """What the threshold promises."""
    chosen: str = ""
    """What was chosen on validation data, and how that did there."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Name -> value: preset, start, backbone."""


def card(about: About, config: Mapping[str, Any], folder: Path, measured: Measured) -> str:
    """Return the card of a run, as a page of a model hub has it.

    Args:
        about: its kind and its data.
        config: its settings, as ``config.yaml`` holds them.
        folder: of the run, whose files are hashed.
        measured: what its reports say.
    """
    recipe = {k: v for k, v in config.items() if k not in ("preset", "description", "data")}
    names = {path.relative_to(folder).as_posix(): path for path in _hashed(folder)}
    hashes = [f"- {name}: `{_sha256(path)}`" for name, path in names.items()]
    sections = {
        "Data": bullets(about.data),
        "Recipe": [f"- {name}: `{in_words(value) or '{}'}`" for name, value in recipe.items()],
        "Measured": measured.figures(),
        "Not measured": measured.gaps(),
        "Limits": bullets((*LIMITS, *about.limits)),
        "Files, SHA-256": hashes,
    }
    first = {"Threshold": about.threshold, "Chosen on validation data": about.chosen}
    sections = {title: [text] for title, text in first.items() if text} | sections
    facts = [f"- {name}: {value}" for name, value in about.facts.items()]
    lines = [front_matter(), "", f"# {about.summary}", "", *facts]
    lines += ["", "```python", about.loading, "```"]
    for title, body in sections.items():
        lines += ["", f"## {title}", "", *body]
    lines += ["", "`hardsight card RUN` writes this page; so does each command that measures RUN."]
    return readable("\n".join(lines) + "\n")


def _hashed(folder: Path) -> list[Path]:
    return sorted(path for pattern in HASHED for path in folder.glob(pattern) if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
