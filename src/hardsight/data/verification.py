"""A data set held against what is official of it: what is missing, and what is corrupt."""

from dataclasses import dataclass
from pathlib import Path

from hardsight.core.progress import Progress, quiet
from hardsight.data.layouts import categories, layout_of, load
from hardsight.data.layouts.layout import Layout
from hardsight.data.places import on_disk
from hardsight.data.published import Counts, PublishedSet, published_as

SIZE = 64
"""Side to which images are decoded when it is tried whether they can be."""


@dataclass(frozen=True)
class CategoryCheck:
    """What was found of one category."""

    name: str
    layout: str
    published: PublishedSet | None
    """The set that it belongs to, None if it is nobody's."""
    found: Counts
    problems: tuple[str, ...]
    """Counts that are not the official ones, and files that cannot be used, a sentence each."""
    notes: tuple[str, ...]

    @property
    def official(self) -> Counts | None:
        """The official counts, None if there are none."""
        return None if self.published is None else self.published.official(self.name)


@dataclass(frozen=True)
class Verification:
    """What was found in a folder."""

    categories: tuple[CategoryCheck, ...]
    missing: tuple[tuple[PublishedSet, tuple[str, ...]], ...]
    """Published sets of which there is a part, and the categories that are not there."""
    problems: tuple[str, ...]
    """Where the sum of all categories is not the official one."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing is missing, wrong or corrupt."""
        return not (self.missing or self.problems or any(one.problems for one in self.categories))


def verify(path: str | Path, progress: Progress = quiet) -> Verification:
    """Decode every file of a data set, or of one category, and count them against the official.

    Args:
        path: Of a data set's categories, or a category itself; or the URL of one.
        progress: Told of the decoding, a stage for each category.

    Raises:
        FileNotFoundError: no such folder; the message says how to obtain a published set.
        LayoutError: it is arranged as no known layout.
    """
    root = on_disk(path)
    whole = layout_of(root)
    names = categories(root) if whole is None else whole.categories_in(root)
    places = [root / name for name in names] if names else [root]
    checks = tuple(
        _checked(place, layout, progress) for place in places if (layout := layout_of(place))
    )
    if not names:
        return Verification(checks, (), ())
    missing, problems = [], []
    for one in {c.published.title: c.published for c in checks if c.published}.values():
        of_it = [check for check in checks if check.published == one]
        absent = tuple(sorted(one.categories.keys() - {check.name for check in of_it}))
        if absent:
            missing.append((one, absent))
        elif None not in [check.found.train for check in of_it]:
            found = Counts.total(check.found for check in of_it).differences(one.total)
            problems += [f"{one.title} in all: {difference}" for difference in found]
    return Verification(checks, tuple(missing), tuple(problems))


def _checked(top: Path, layout: Layout, progress: Progress) -> CategoryCheck:
    """Check a category, of which what cannot be read is a problem and no error."""
    name = top.absolute().name
    published = published_as(name, layout.name)
    try:
        data = load(top, size=SIZE)
    except (ValueError, OSError) as error:
        return CategoryCheck(name, layout.name, published, Counts(), (str(error),), ())

    def told(stage: str, done: int, total: int, info: str = "") -> None:
        progress(name, done, total, info)

    parts = (data.train, data.validation, data.test)
    whole = data.train.of([sample for part in parts for sample in part.samples])
    found = Counts.of(data)
    official = Counts() if published is None else published.official(name)
    problems = (*found.differences(official), *map(str, whole.check(told)))
    return CategoryCheck(name, layout.name, published, found, problems, data.notes)
