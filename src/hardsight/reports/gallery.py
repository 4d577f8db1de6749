"""The pictures of a report, as its template shows them."""

from typing import Any, NamedTuple

from hardsight.evaluation.results import ClassifiedItem, Evaluation, GalleryItem
from hardsight.evaluation.verdict import outcome
from hardsight.evaluation.wording import UNRELIABLE
from hardsight.reports.pictures import (
    AMPLIFY,
    embedded,
    heat,
    heat_bar,
    heat_scale,
    perturbation,
    photo,
)


class Shown(NamedTuple):
    """One test image as it is shown."""

    name: str
    truth: str
    """What it is, and what was said of it."""
    score: str
    """Before and after the attack; "" of a classifier."""
    badge: tuple[str, str] | None
    """Tone and word; None where there is no threshold to judge by."""
    pictures: list[tuple[str, str]]
    """Caption, and the picture as an address."""
    small: bool
    """Whether it is to be enlarged without smoothing."""


class Gallery(NamedTuple):
    """All images, and what stands above them."""

    images: list[Shown]
    scale: tuple[float, float] | None
    """Values drawn as no heat and as full heat, the same for all; None without heat maps."""
    bar: str
    """The colours of heat, as an address."""


def shown(found: Evaluation) -> Gallery:
    """Return what a template shows; attacked images carry the mark of a failed audit."""
    doubtful = any(f.startswith(UNRELIABLE) for row in found.rows for f in row.flags)
    mark = f", {UNRELIABLE}" if doubtful else ""
    detected = [i for i in found.gallery if isinstance(i, GalleryItem)]
    if detected:
        maps = [m for i in detected for m in (i.map_clean, i.map_attacked) if m is not None]
        scale = heat_scale(maps)
        items = [_detected(i, scale, mark, found.threshold) for i in detected]
        return Gallery(items, scale, embedded(heat_bar()))
    return Gallery(
        [_classified(i, mark) for i in found.gallery if isinstance(i, ClassifiedItem)], None, ""
    )


def _changed(item: GalleryItem | ClassifiedItem, mark: str) -> list[tuple[str, bytes]]:
    """Return the attacked image, and what the attack changed."""
    if item.attacked is None:
        return []
    return [
        (f"attacked{mark}", photo(item.attacked)),
        (f"perturbation x {AMPLIFY}{mark}", perturbation(item.image, item.attacked)),
    ]


def _detected(
    i: GalleryItem, scale: tuple[float, float], mark: str, threshold: float | None
) -> Shown:
    pictures = [("input", photo(i.image)), *_changed(i, mark)]
    if i.reconstruction is not None:
        pictures.append(("rebuilt from input", photo(i.reconstruction)))
    pictures.append(("heat map, clean", heat(i.image, i.map_clean, i.mask, scale)))
    if i.map_attacked is not None:
        under = i.image if i.attacked is None else i.attacked
        pictures.append((f"heat map, attacked{mark}", heat(under, i.map_attacked, i.mask, scale)))
    text, fooled = outcome(i, threshold)
    after = "" if i.score_attacked is None else f" → {i.score_attacked:.4g}"
    return Shown(
        i.name,
        "defect" if i.anomalous else "good part",
        f"score {i.score_clean:.4g}{after}",
        None if threshold is None else ("broken" if fooled else "open", text),
        _embedded(pictures),
        _is_small(i),
    )


def _classified(i: ClassifiedItem, mark: str) -> Shown:
    pictures = [("clean", photo(i.image))]
    if i.purified is not None:
        pictures.append(("purified", photo(i.purified)))
    pictures += _changed(i, mark)
    if i.purified_attacked is not None:
        pictures.append((f"attacked, purified{mark}", photo(i.purified_attacked)))
    after = "" if i.said_attacked is None else f", attacked as {i.said_attacked}"
    wrong = (i.said_attacked or i.said_clean) != i.label
    return Shown(
        i.label,
        f"read as {i.said_clean}{after}",
        "",
        ("broken", "wrong") if wrong else ("holds", "right"),
        _embedded(pictures),
        _is_small(i),
    )


def _embedded(pictures: list[tuple[str, bytes]]) -> list[tuple[str, str]]:
    return [(caption, embedded(jpeg)) for caption, jpeg in pictures]


def _is_small(item: Any) -> bool:
    return bool(max(item.image.shape[-2:]) < 128)
