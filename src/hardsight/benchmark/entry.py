"""The record of one measurement: a method on a category, under one threat, of one seed."""

import json
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hardsight.attacks import parse_radius
from hardsight.attacks.balls import BALLS
from hardsight.audit.results import Verdict
from hardsight.benchmark.job import check_slug
from hardsight.benchmark.plan import Measuring, ThreatAsked
from hardsight.core.files import write_atomically
from hardsight.core.validation import first_problem
from hardsight.core.words import quoted
from hardsight.evaluation import Row
from hardsight.evaluation.results import Corrupted

SCHEMA = Path(__file__).with_name("entry.schema.json")
SUFFIX, REPORT, PICTURES = ".entry.json", ".html", ".pictures.json"
"""Endings of the file of an entry, and of what lies beside it."""
ROUNDING = 1e-9
"""By which a figure may lie outside [0, 1]."""
FROZEN = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataFacts(BaseModel):
    """On what was measured."""

    model_config = FROZEN

    name: str
    """Key of ``hardsight.data.published_sets()``, or another name."""
    category: str | None
    split_sha256: str
    """Hash of the manifest of all files, their roles, labels and masks; or of labelled images."""
    test_images: int
    anomalous: int | None
    """Anomalous ones of the test images; None: they have classes."""
    note: str = ""


class CertifiedRow(BaseModel):
    """What is certified at one L2 radius."""

    model_config = FROZEN

    radius: float
    auroc: float | None
    """Each image's bound holds by itself; None: nothing is bounded."""
    auroc_joint: float | None
    """All bounds hold together."""
    auroc_mean: float | None
    """FreeRAD's prediction by the mean: not a certificate."""
    published: float | None
    """The method's in its paper, by the mean."""


class AuditFacts(BaseModel):
    """Whether robust figures of the method can be believed."""

    model_config = FROZEN

    verdict: Verdict
    headline: str
    stamp: tuple[str, ...]
    """Why not to trust robust figures; empty: nothing speaks against them."""
    norm: str
    eps: float
    budget: str


class Made(BaseModel):
    """By what an entry was made; of the times nothing else depends on it."""

    model_config = FROZEN

    hardsight: str
    """Version and commit."""
    torch: str
    hardware: str
    """The device, of a CPU its instruction sets and threads."""
    precision: str = ""
    fit_seconds: float | None = None


class Entry(BaseModel):
    """What was measured of a method on a category, under one threat, with one seed.

    Units: AUROC and accuracy in [0, 1]; eps, sigma and radii in [0, 1] pixel units; times in
    seconds. An interval is the 95 % bootstrap interval over the images.
    """

    model_config = FROZEN

    version: Literal[1] = 1
    method: str
    """What the board calls it."""
    preset: str
    """Empty: another library's model, which ``notes`` name."""
    settings: Mapping[str, Any] = Field(default_factory=dict)
    """Dotted keys of the preset that were changed, and their values."""
    parts: Mapping[str, str] = Field(default_factory=dict)
    """Part of the run -> the method whose run lent it."""
    variant: Mapping[str, str | float] = Field(default_factory=dict)
    """How the papers' tables tell the method's variant, of which the published figures are."""
    trained: tuple[str, float] | None = None
    """Norm and radius of a classifier's adversarial training; None: it saw no attack."""
    kind: Literal["detector", "classifier"] = "detector"
    paper: str | None
    """Whose published figures stand beside; None: no paper's."""
    random: bool
    """Whether it draws noise: ranked by its worst or fixed noise."""
    backbone: str | None
    """The pretrained network; None: there is none."""
    weights: str
    """Fingerprint of weights and settings."""
    checkpoints: Mapping[str, str] = Field(default_factory=dict)
    """File of the run -> its SHA-256."""
    data: DataFacts
    seed: int
    threat: ThreatAsked
    how: Measuring
    clean: tuple[Row, ...] = Field(min_length=1)
    """Rows of all test images, with held-out normals, the object alone; the main figure first."""
    attacked: tuple[Row, ...] = ()
    """Rows of the attacked images: clean, then under each suite, in the four noise columns."""
    corrupted: tuple[Corrupted, ...] = ()
    """Figures of the images under each common corruption at each severity."""
    certified: tuple[CertifiedRow, ...] = ()
    audit: AuditFacts | None = None
    """None: it was not audited."""
    scores: Mapping[str, tuple[float, ...]] = Field(default_factory=dict)
    """Attack, or "clean" -> of each attacked image the mean score over fresh draws, of a classifier
    the share of the draws that are read rightly; of several submissions the worst."""
    touched: Mapping[str, tuple[int, ...]] = Field(default_factory=dict)
    """Stage -> places among the test images of those that it ever looked at."""
    notes: tuple[str, ...] = ()
    made: Made

    @model_validator(mode="after")
    def _can_be_ranked(self) -> Self:
        """Refuse what has no page, no radius, or a figure that is none."""
        check_slug(self.method, "method")
        check_slug(self.id, "id")
        if self.threat.attacked and self.threat.norm in BALLS:
            parse_radius(self.threat.eps)
        for row in (*self.clean, *self.attacked):
            estimates = [e for e in (row.mean, row.single, row.worst, row.fixed) if e]
            published = [] if row.published is None else [row.published]
            for value in chain(published, *estimates):
                if not -ROUNDING <= value <= 1 + ROUNDING:
                    raise ValueError(f"{row.metric} of {row.attack} is {value:g}, not in [0, 1]")
        return self

    @property
    def id(self) -> str:
        """What the entry is called: method, data, category, seed and threat."""
        data = (self.data.name, self.data.category)
        parts = (self.method, *data, f"seed {self.seed}", self.threat.name)
        return ", ".join(part for part in parts if part)

    def result(self) -> dict[str, Any]:
        """Return all that does not depend on how fast or how often interrupted it was made."""
        found = self.model_dump(mode="json")
        del found["made"]["fit_seconds"]
        for row in (*found["clean"], *found["attacked"]):
            del row["seconds_per_image"]
        return found

    def write(self, path: str | Path) -> Path:
        """Write JSON that ``read`` reads."""
        text = json.dumps(self.model_dump(mode="json"), allow_nan=False, ensure_ascii=False)
        return write_atomically(path, text + "\n")

    @classmethod
    def read(cls, path: str | Path) -> "Entry":
        """Read an entry.

        Raises:
            ValueError: the file is none; the message names the key.
        """
        try:
            return cls.model_validate_json(Path(path).read_bytes())
        except ValidationError as error:
            raise ValueError(
                f"{path} is not an entry: {first_problem(error)}; its schema is {SCHEMA.name}, see "
                "docs/submit.md"
            ) from None


def schema() -> str:
    """Return the JSON schema of an entry, as ``entry.schema.json`` holds it."""
    return json.dumps(Entry.model_json_schema(), indent=1, ensure_ascii=False) + "\n"


def entries(folder: str | Path) -> dict[Path, Entry]:
    """Read all entries below a folder: path -> entry.

    Raises:
        ValueError: there is none, or a file that should be one is damaged.
    """
    names = sorted(Path(folder).rglob(f"*{SUFFIX}"))
    if not names:
        raise ValueError(
            f"{folder} holds no entries (*{SUFFIX}); make some with: hardsight benchmark PLAN "
            f"--output {quoted(folder)}"
        )
    return {path: Entry.read(path) for path in names}


def beside(path: Path, ending: str) -> Path:
    """Return the file of another ending beside that of an entry."""
    return path.with_suffix("").with_suffix(ending)
