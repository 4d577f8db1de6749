"""The board: entries as lines, each beside what was published."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hardsight.benchmark.entry import Entry
from hardsight.benchmark.job import slug
from hardsight.core.words import in_words
from hardsight.data import published_sets
from hardsight.evaluation import Row
from hardsight.evaluation.published import known_of
from hardsight.evaluation.results import HELD_OUT, OBJECT_ALONE, Estimate
from hardsight.evaluation.wording import UNRELIABLE

NOT_AUDITED = "not audited"
"""What a line is of which no audit speaks."""


@dataclass(frozen=True, eq=False)
class Line:
    """One entry on the board, by the attack that leaves least."""

    entry: Entry
    attacked: Row
    robust: Estimate
    """By which it is ranked: of a random model its worst or fixed noise, whichever is lower."""
    noise: str
    """The column that is of: "mean", "worst" or "fixed"."""

    @classmethod
    def of(cls, entry: Entry) -> "Line | None":
        """Return the line of an attacked entry; None: it was not attacked."""
        found = [_ranked(row, entry.random) for row in entry.attacked if is_attacked(row)]
        if not found:
            return None
        robust, noise, row = min(found, key=lambda one: one[0].value)
        return cls(entry, row, robust, noise)

    @property
    def clean(self) -> Estimate:
        """The main figure of all test images left alone."""
        return self.entry.clean[0].mean

    @property
    def before(self) -> Estimate | None:
        """The main figure of the attacked images left alone; None: it was not recorded."""
        return next(
            (
                row.mean
                for row in self.entry.attacked
                if row.attack == "clean"
                and (row.metric, row.target) == (self.attacked.metric, "image")
            ),
            None,
        )

    @property
    def some(self) -> bool:
        """Whether only some of the test images were attacked."""
        return self.images < self.entry.data.test_images

    def row(self, metric: str, target: str) -> Row | None:
        """Return a row of all test images left alone; None: it was not measured."""
        return next((r for r in self.entry.clean if (r.metric, r.target) == (metric, target)), None)

    @property
    def compared(self) -> Row | None:
        """The attacked row that has a published figure; None: no paper has one."""
        return next(
            (r for r in self.entry.attacked if r.published is not None and r.norm is not None),
            None,
        )

    @property
    def data(self) -> str:
        """The data set's title."""
        known = published_sets().get(self.entry.data.name)
        return known.title if known else self.entry.data.name

    @property
    def anchor(self) -> str:
        """What an address of this line ends in."""
        return slug(self.entry.id)

    @property
    def page(self) -> str:
        """The page of its method."""
        return f"methods/{slug(self.entry.method)}.html"

    @property
    def audit(self) -> str:
        """The verdict of its audit; "fail" where the attack says so; "not audited" without one."""
        if any(flag.startswith(UNRELIABLE) for flag in self.attacked.flags):
            return "fail"
        return self.entry.audit.verdict if self.entry.audit else NOT_AUDITED

    @property
    def images(self) -> int:
        """How many test images were attacked."""
        touched = len(self.entry.touched.get("attacked", ()))
        return touched or self.entry.how.images or self.entry.data.test_images

    @property
    def spent(self) -> str:
        """The budget of its attack, and on how many images."""
        budget = self.attacked.budget
        whole = f" of {self.entry.data.test_images}" if self.some else ""
        return f"{budget.name}, {budget.passes:,} passes, {self.images}{whole} images"

    @property
    def why(self) -> tuple[str, ...]:
        """Why it differs from what was published, in sentences; () where nothing was published."""
        if self.compared is None:
            return ()
        entry, row = self.entry, self.attacked
        whole, found = entry.data.test_images, []
        if self.some:
            found.append(f"{self.images} of {whole} test images were attacked.")
        found.append(f"The attack is {row.budget.attacks or row.attack}.")
        return why_apart(entry, found)

    def values(self) -> dict[str, Any]:
        """Return all of it as plain values, for the files to download."""
        entry, compared = self.entry, self.compared
        pixel, held_out = self.row("AUROC", "pixel"), self.row(HELD_OUT, "image")
        alone = self.row(OBJECT_ALONE, "pixel")
        return {
            **identity(entry),
            "threat": entry.threat.name,
            "metric": self.attacked.metric,
            "clean": self.clean.value,
            "attack": self.attacked.attack,
            "attacked images": self.images,
            "clean, attacked images": self.before.value if self.before else None,
            "robust": self.robust.value,
            "low": self.robust.low,
            "high": self.robust.high,
            "noise": self.noise,
            "held-out normals": held_out.mean.value if held_out else None,
            "pixel, clean": pixel.mean.value if pixel else None,
            "object alone": alone.mean.value if alone else None,
            "published": compared.published if compared else None,
            "place": compared.place if compared else "",
            "measured beside": compared.mean.value if compared else None,
            "random": entry.random,
            "audit": self.audit,
            "backbone": entry.backbone or "",
            "budget": self.attacked.budget.attacks,
            "seconds an image": self.attacked.seconds_per_image,
            "settings": in_words(entry.settings),
            "weights": entry.weights,
            "checkpoints": "; ".join(
                f"{name} {digest}" for name, digest in entry.checkpoints.items()
            ),
            "split": entry.data.split_sha256,
            "hardware": entry.made.hardware,
            "hardsight": entry.made.hardsight,
            "torch": entry.made.torch,
            "page": f"{self.page}#{self.anchor}",
        }


def why_apart(entry: Entry, attack: Sequence[str] = ()) -> tuple[str, ...]:
    """Return sentences on why an entry differs from what was published, as far as it is known.

    Args:
        entry: of an attack, or of none.
        attack: sentences on it.
    """
    note, backbone = entry.data.note, entry.backbone
    found = [f"Data: {note}."] if note else []
    if backbone:
        found.append(f"The backbone is {backbone}, not the paper's.")
    return (*found, *attack, *known_of(entry.paper))


def identity(entry: Entry) -> dict[str, Any]:
    """Return what an entry is of as plain values, for the files to download."""
    return {
        "id": entry.id,
        "method": entry.method,
        "data": entry.data.name,
        "category": entry.data.category or "",
        "seed": entry.seed,
    }


def lines(entries: Iterable[Entry]) -> list[Line]:
    """Return the lines of all attacked entries, by method, data, threat, category and seed."""
    found = [line for line in map(Line.of, entries) if line is not None]
    return sorted(found, key=lambda line: (*place(line), *_within(line)))


def place(line: Line) -> tuple[str, str, str]:
    """Return method, data set and threat of a line."""
    entry = line.entry
    return entry.method, entry.data.name, entry.threat.name


def _within(line: Line) -> tuple[str, int]:
    return line.entry.data.category or "", line.entry.seed


def is_attacked(row: Row) -> bool:
    """Tell whether a row is the main figure of images under an attack."""
    return row.target == "image" and row.metric in ("AUROC", "accuracy") and row.norm is not None


def _ranked(row: Row, random: bool) -> tuple[Estimate, str, Row]:
    """Return the figure of a row that counts, and which column that is."""
    columns = {"worst": row.worst, "fixed": row.fixed} if random else {}
    found = {name: value for name, value in columns.items() if value is not None}
    if not found:
        return row.mean, "mean", row
    name = min(found, key=lambda key: found[key].value)
    return found[name], name, row
