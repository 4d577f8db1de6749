"""A job of a benchmark: one method on one category under one seed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path, PurePath
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from hardsight.benchmark.parts import Part
from hardsight.config import Config, DetectorConfig, load_preset
from hardsight.config.config import STRICT
from hardsight.core.presets import ConfigError
from hardsight.data.places import below, exists
from hardsight.data.published import published_sets
from hardsight.data.remote import is_url
from hardsight.data.textures import write_textures

TEXTURES = "textures"
EMBEDDED = (TEXTURES, "digits")
"""The data sets that come along: parts with defects, and images with classes."""
RUN = "run"
"""Folder of the fitted run, in that of a job."""
LONGEST = 200
"""Bytes of an entry's name, of which files are called."""


class MethodAsked(BaseModel):
    """A method, as its preset and what differs from it."""

    model_config = STRICT

    preset: str
    """A preset's name, or the path of one."""
    settings: Mapping[str, Any] = Field(default_factory=dict)
    """Dotted keys of the preset that are changed."""
    name: str | None = None
    """What the board calls it; None: the preset."""
    parts: Mapping[Part, str] = Field(default_factory=dict)
    """Part of the run -> name of the plan's method that trains it, and lends it; of a detector its
    denoiser alone."""
    variant: Mapping[str, str | float] = Field(default_factory=dict)
    """By what the papers' tables tell it from the method as proposed, e.g. {k: 25}: the published
    figures are of this variant."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"preset": value} if isinstance(value, str) else value

    @property
    def label(self) -> str:
        """What the board calls it."""
        return self.name or Path(self.preset).stem


class DataAsked(BaseModel):
    """A data set, and which of its categories."""

    model_config = STRICT

    name: str
    """Key of ``hardsight.data.published_sets()``, or one of ``EMBEDDED``."""
    folder: str = "."
    """Below the root of the data."""
    categories: tuple[str, ...] = ()
    """Empty: it has none."""
    note: str = ""
    """What a result on it must say, e.g. that it is a resampled copy."""
    settings: Mapping[str, Any] = Field(default_factory=dict)
    """Dotted keys below ``data`` of a run's configuration."""
    make: Mapping[str, Any] = Field(default_factory=dict)
    """Arguments of ``write_textures``, of the embedded textures."""

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        if self.make and self.name != TEXTURES:
            raise ValueError(
                f"make={dict(self.make)} is of the embedded textures, and the images of "
                f"{self.name} are there already; leave it out"
            )
        known = signature(write_textures).parameters.keys() - {"root", "textures"}
        if unknown := self.make.keys() - known:
            raise ValueError(
                f"make has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}"
            )
        return self


@dataclass(frozen=True)
class Places:
    """Where a benchmark reads and writes.

    Args:
        results: folder of the entries and of the fitted runs.
        data: root of the data sets, or its URL.
    """

    results: Path
    data: str | Path

    def embedded(self, name: str) -> Path:
        """Return where an embedded data set is written."""
        return self.results / "data" / name


@dataclass(frozen=True)
class Job:
    """One method on one category under one seed.

    Args:
        method, data: what was asked for.
        category: None: the data set is one.
        seed: of the fit and of the measurement.
    """

    method: MethodAsked
    data: DataAsked
    category: str | None
    seed: int

    @property
    def name(self) -> str:
        """The job in words."""
        parts = (self.method.label, self.data.name, self.category, f"seed {self.seed}")
        return ", ".join(part for part in parts if part)

    def folder(self, places: Places, method: str | None = None) -> Path:
        """Return where its entries, its run and its unfinished work lie, or those of a method."""
        name = method or self.method.label
        parts = (name, self.data.name, self.category or "whole", f"seed-{self.seed}")
        return places.results.joinpath(*map(slug, parts))

    def images(self, places: Places) -> str:
        """Return the folder of its images, or its URL."""
        if self.data.name in EMBEDDED:
            return below(places.embedded(self.data.name), self.category or ".")
        top = below(places.data, self.data.folder)
        own = below(top, self.category or ".")
        return top if is_url(top) or not exists(own) else own

    def missing(self, places: Places) -> str | None:
        """Return what to do where its images are not there; None: they are."""
        place = self.images(places)
        if self.data.name in EMBEDDED or exists(place):
            return None
        published = published_sets().get(self.data.name)
        way_out = f"; {published.how_to_obtain()}" if published else ""
        return f"{self.name}: {place} is not there{way_out}"

    def config(self, places: Places) -> Config:
        """Return the configuration of its run."""
        place = self.images(places)
        changes = {"data.path": place, "training.seed": self.seed, **self.method.settings}
        changes |= {f"data.{key}": value for key, value in self.data.settings.items()}
        config = load_preset(self.method.preset)
        if isinstance(config, DetectorConfig):
            changes |= self._start(places)
            if self.category and PurePath(place).name != self.category:
                changes["data.category"] = self.category
        return config.updated(changes)

    def _start(self, places: Places) -> dict[str, Any]:
        """Return the settings by which a detector takes its denoiser from the run that lends it."""
        lenders = dict(self.method.parts)
        lender = lenders.pop("denoiser", None)
        if lenders:
            raise ConfigError(
                f"{self.method.label}: parts={', '.join(lenders)} are parts of a classifier; a "
                "detector takes its denoiser alone"
            )
        if lender is None:
            return {}
        return {"start": str(self.folder(places, lender) / RUN), "training.steps": 0}


def slug(name: str) -> str:
    """Return a name as it can stand in a path and an address."""
    return re.sub(r"[^\w.=-]+", "_", name).strip("_")


def check_slug(name: str, what: str) -> None:
    """Refuse a name of which no file can be called.

    Args:
        name: of a method, or of an entry.
        what: it is, for the message.

    Raises:
        ValueError: it has no letter and no digit, or is too long.
    """
    own = slug(name)
    if not own.strip("."):
        raise ValueError(f"{what}={name!r} has no letter or digit to name a file by")
    if (size := len(own.encode())) > LONGEST:
        raise ValueError(f"the name {name!r} takes {size} bytes; at most {LONGEST}")
