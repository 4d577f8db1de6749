"""The result of an audit: checks, each with its evidence and a sentence for everyone."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from hardsight.core.files import write_atomically
from hardsight.core.json_files import read_json
from hardsight.evaluation.wording import figure

Verdict = Literal["pass", "warn", "fail", "skipped"]
_NAMED: tuple[Verdict, ...] = ("fail", "warn")


@dataclass(frozen=True)
class Plot:
    """Lines to draw, over positions 0, 1, 2, ... that ``ticks`` name."""

    x: str
    y: str
    ticks: tuple[str, ...]
    lines: dict[str, tuple[float, ...]]
    """Name -> one value a tick, or fewer, from the first on."""
    low: tuple[float, ...] = ()
    """Interval of the first line, as ``high``; empty where there is none."""
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Check:
    """One question to a model, and what was found."""

    name: str
    """A key of ``CHECKS``."""
    verdict: Verdict
    """"skipped": it could not be made, or there was nothing to check; the sentence says which."""
    sentence: str
    """What it means, for a reader who knows no gradients."""
    values: dict[str, float] = field(default_factory=dict)
    """What was measured, by its name; finite."""
    plot: Plot | None = None
    due: bool = False
    """Skipped for want of time, though it applies."""

    @property
    def shown(self) -> dict[str, str]:
        """The measured values as they are written: AUROC and accuracy in the field's unit."""
        return {name: _written(name, value) for name, value in self.values.items()}

    @property
    def evidence(self) -> str:
        """The measured values on one line."""
        return ", ".join(f"{name}: {text}" for name, text in self.shown.items())


def _written(name: str, value: float) -> str:
    measure = next((m for m in ("AUROC", "accuracy") if name.startswith(m)), None)
    return f"{value:.3g}" if measure is None else figure(value, measure)


@dataclass(frozen=True)
class Audit:
    """Whether robust figures of a detector or a classifier can be believed."""

    checks: tuple[Check, ...]
    title: str
    """"AdvRAD on bottle"."""
    weights: str
    """Fingerprint of the model that was audited."""
    norm: str
    eps: float
    """Radius at which the checks were made, in [0, 1] pixel units."""
    provenance: dict[str, str] = field(default_factory=dict)
    """Model, images, budget, seed, time, device, versions: shown as they are."""
    kind: str = "detector"
    """What was audited: "detector" or "classifier"."""

    def __repr__(self) -> str:
        lines = (f"\n  {c.verdict}: {c.name}: {c.sentence}" for c in self.checks)
        return f"Audit({self.title!r}, {self.headline}{''.join(lines)})"

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.of("fail")

    @property
    def stamp(self) -> tuple[str, ...]:
        """What is put on robust figures of this model: why not to trust them; () if none.

        ``unreliable: CHECK: SENTENCE`` for each check that failed, and ``audited in part`` if there
        was no time for all.
        """
        failed = [f"unreliable: {c.name}: {c.sentence}" for c in self.of("fail")]
        return (*failed, *(["audited in part"] if self.due else []))

    @property
    def due(self) -> tuple[str, ...]:
        """Names of the checks for which there was no time."""
        return tuple(c.name for c in self.checks if c.due)

    def of(self, verdict: Verdict) -> tuple[Check, ...]:
        """Return the checks that ended so."""
        return tuple(c for c in self.checks if c.verdict == verdict)

    def __getitem__(self, name: str) -> Check:
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(f"no check is called {name!r}; there are {[c.name for c in self.checks]}")

    @property
    def verdict(self) -> Verdict:
        """The answer in one word; "skipped" where nothing failed but there was no time for all."""
        if self.due and self.passed:
            return "skipped"
        return "fail" if self.of("fail") else "warn" if self.of("warn") else "pass"

    @property
    def headline(self) -> str:
        """The answer in one sentence."""
        failed, warned = (", ".join(c.name for c in self.of(v)) for v in _NAMED)
        total = len(self.checks)
        return {
            "fail": f"Robust figures of this {self.kind} must not be trusted: "
            f"{len(self.of('fail'))} of {total} checks failed ({failed}).",
            "skipped": f"{len(self.due)} of {total} checks were not made for want of time: whether "
            f"robust figures of this {self.kind} can be trusted is open.",
            "warn": f"Robust figures of this {self.kind} can be used with care: see {warned}.",
            "pass": f"As far as these checks go, robust figures of this {self.kind} can be "
            "trusted.",
        }[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary; ``passed`` and ``stamp`` are there for other readers."""
        return {"passed": self.passed, "stamp": list(self.stamp)} | asdict(self)

    def write(self, path: str | Path) -> Path:
        """Write JSON that ``read`` reads."""
        text = json.dumps(self.to_json(), allow_nan=False, ensure_ascii=False, indent=1)
        return write_atomically(path, text + "\n")

    @classmethod
    def read(cls, path: str | Path) -> "Audit":
        """Read an audit that ``write`` wrote.

        Raises:
            ValueError: the file is something else.
        """

        def audit(found: dict[str, Any]) -> "Audit":
            checks = tuple(
                Check(**c | {"plot": c["plot"] and _plot(c["plot"])}) for c in found["checks"]
            )
            rest = {k: v for k, v in found.items() if k not in ("checks", "passed", "stamp")}
            return cls(checks=checks, **rest)

        way_out = "delete it, or write it anew with: hardsight audit RUN"
        return read_json(path, way_out, audit, fault="not an audit")


def _plot(found: dict[str, Any]) -> Plot:
    lists = {k: tuple(found[k]) for k in ("ticks", "low", "high")}
    lines = {name: tuple(ys) for name, ys in found["lines"].items()}
    return Plot(found["x"], found["y"], lines=lines, **lists)
