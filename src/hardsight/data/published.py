"""What is official of published data sets, from ``published.yaml``: counts, licences, pages."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import yaml

from hardsight.data.anomaly_data import AnomalyData

FILE = Path(__file__).with_name("published.yaml")
LEARNT_AND_TESTED = (("train",), ("good", "anomalous"))
"""Counts of a data set by what its images are for."""


@dataclass(frozen=True)
class Counts:
    """How many images a category, or a whole set, holds; None where that is not certain."""

    train: int | None = None
    """Normal training images, with those of validation where that is no part of its own."""
    validation: int | None = None
    good: int | None = None
    """Normal test images."""
    normal: int | None = None
    """Those of all parts, where no official split divides them."""
    anomalous: int | None = None
    """Anomalous test images."""
    masks: int | None = None
    """Anomalous test images that have one."""

    @classmethod
    def of(cls, data: AnomalyData) -> "Counts":
        """Count the images of a data set."""
        train, validation = len(data.train), len(data.validation)
        anomalous = int(data.test.labels.sum())
        good = len(data.test) - anomalous
        masks = sum(bool(s.masks) for s in data.test.samples if s.anomalous)
        return cls(train, validation, good, train + validation + good, anomalous, masks)

    @classmethod
    def total(cls, each: "Iterable[Counts]") -> "Counts":
        """Add up the counts of categories, which all are known."""
        rows = [asdict(one) for one in each]
        return cls(**{name: sum(row[name] for row in rows) for name in rows[0]})

    def beside(self, official: "Counts") -> dict[str, int]:
        """Return counted images as official ones are: validation's among those of training."""
        found = asdict(self)
        if official.validation is None:
            found["train"] += found["validation"]
        return found

    def may_be(self, official: "Counts") -> bool:
        """Tell whether training or test images are as many as is official, of what is certain.

        One of the two may be limited.
        """
        found, wanted = self.beside(official), asdict(official)
        kinds = [[n for n in names if wanted[n] is not None] for names in LEARNT_AND_TESTED]
        known = [names for names in kinds if names]
        return not known or any(all(found[n] == wanted[n] for n in names) for names in known)

    def differences(self, official: "Counts") -> list[str]:
        """Return where counted images are not those that are official, a few words each."""
        found, wanted = self.beside(official), asdict(official)
        return [
            f"{found[name]} {name} instead of {count}"
            for name, count in wanted.items()
            if count is not None and found[name] != count
        ]


@dataclass(frozen=True)
class PublishedSet:
    """A published data set."""

    title: str
    layouts: tuple[str, ...]
    """Names of the layouts that it comes in."""
    licence: str
    page: str
    """Where it is to be had."""
    categories: Mapping[str, Counts] = field(default_factory=dict)
    """Empty for a set that is one."""
    total: Counts = Counts()

    def official(self, category: str) -> Counts:
        """Return the counts of a category, of the whole set where it has none."""
        return self.categories[category] if self.categories else self.total

    def holds(self, category: str, layout: str) -> bool:
        """Tell whether a category of a layout is one of this set's."""
        return layout in self.layouts and (not self.categories or category in self.categories)

    def how_to_obtain(self) -> str:
        """Return where the set is to be had, and its licence."""
        return f"{self.title} is {self._source}"

    @property
    def question(self) -> str:
        """Whether a missing or unknown folder of its name is meant to be this set, and its source.

        A name alone does not tell: own data may lie in a folder of the same name.
        """
        return f"did you mean {self.title}? It is {self._source}"

    @property
    def _source(self) -> str:
        return f"to be had from {self.page} (licence: {self.licence})"


@cache
def published_sets() -> dict[str, PublishedSet]:
    """Read ``published.yaml``: name -> data set."""
    return {
        name: PublishedSet(
            one["title"],
            tuple(one["layouts"]),
            one["licence"],
            one["page"],
            {key: Counts(**value) for key, value in one.get("categories", {}).items()},
            Counts(**one.get("total", {})),
        )
        for name, one in yaml.safe_load(FILE.read_text(encoding="utf-8")).items()
    }


def published_as(category: str, layout: str) -> PublishedSet | None:
    """Return the published set that a category belongs to, None if it is nobody's."""
    found = (one for one in published_sets().values() if one.holds(category, layout))
    return next(found, None)


def published_category(data: AnomalyData) -> str | None:
    """Return the category of a published set that a data set is, None if it is nobody's.

    Its name alone does not tell, see ``PublishedSet.question``: its images must be as many, see
    ``Counts.may_be``.
    """
    official = (s.categories.get(data.name) for s in published_sets().values())
    found = Counts.of(data)
    return data.name if any(one is not None and found.may_be(one) for one in official) else None


def obtainable(path: Path) -> str:
    """Return the question whether a published set is meant, as ``; ...``; empty if none is near.

    Args:
        path: that is missing, or arranged as no known layout, and named as a set or a category.
    """
    by_name = {_plain(name): one for name, one in published_sets().items()}
    by_name |= {_plain(one.title): one for one in published_sets().values()}
    for name in (path.name, path.parent.name):
        for one in published_sets().values():
            if name in one.categories:
                return f"; {one.question}"
        if near := get_close_matches(_plain(name), by_name, n=1, cutoff=0.75):
            return f"; {by_name[near[0]].question}"
    return ""


def _plain(name: str) -> str:
    """Return the letters and digits of a name in lower case, without a date."""
    return re.sub(r"[\W_]|\d{8}", "", name.lower())
