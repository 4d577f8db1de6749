"""Published and measured figures of baselines side by side, in the layout of FreeRAD's tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from statistics import mean
from typing import Any

from hardsight.attacks import L2, Ball, Linf
from hardsight.evaluation.published import Published, published_average
from hardsight.evaluation.results import HELD_OUT, OBJECT_ALONE
from hardsight.evaluation.wording import radius

Entry = Mapping[str, Any]
"""Stage -> what it found, see ``baselines``."""
Found = Mapping[str, Mapping[str, Sequence[Entry]]]
"""Method -> category -> the entries of its seeds."""
BALLS: tuple[Ball, Ball] = (Linf(2 / 255), L2(0.2))
"""Of Tables 2 and 3."""
NONE = "-"
"""Of a figure that is not there."""


def tables(entries: Mapping[str, Entry]) -> str:
    """Return all tables in Markdown; figures of several seeds are averaged."""
    found: dict[str, dict[str, list[Entry]]] = {}
    for key, entry in entries.items():
        method, category, _ = key.rsplit(", ", 2)
        found.setdefault(method, {}).setdefault(category, []).append(entry)
    return "\n".join(
        [
            "AUROC in %, published / measured; clean figures in parentheses.\n",
            *_one_category(found, "toothbrush"),
            *(line for i, ball in enumerate(BALLS) for line in _each_category(found, ball, 2 + i)),
            *_averages(found),
            *_details(found),
        ]
    )


def _one_category(found: Found, category: str) -> Iterator[str]:
    """Yield Table 1: one category under L-inf PGD."""
    where = radius(BALLS[0].name, BALLS[0].eps)
    yield f"### Table 1: {category}, PGD at {where}\n"
    yield from _header("Method", "Standard", "Robust")
    for method, categories in found.items():
        if entries := categories.get(category):
            yield _line(method, _pair(entries, "clean"), _pair(entries, "pgd", BALLS[0]))
    yield ""


def _each_category(found: Found, ball: Ball, number: int) -> Iterator[str]:
    """Yield Table 2 or 3: every category under PGD in a ball."""
    yield f"### Table {number}: PGD at {radius(ball.name, ball.eps)}\n"
    yield from _header("Category", *found)
    for category in dict.fromkeys(c for categories in found.values() for c in categories):
        each = (categories.get(category, ()) for categories in found.values())
        yield _line(category, *(f"{_pair(e, 'pgd', ball)} ({_pair(e, 'clean')})" for e in each))
    yield ""


def _averages(found: Found) -> Iterator[str]:
    """Yield Table 4: averages over categories, with the strongest attack of each ball."""
    yield "### Table 4: averages over categories, published over all fifteen of MVTec AD\n"
    names = ("PGD", "BPDA", "strongest")
    heads = [f"{name}, {radius(b.name, b.eps)}" for name, b in product(names, BALLS)]
    yield from _header("Method", "Categories", "Standard", *heads)
    for method, categories in found.items():
        every = [e for entries in categories.values() for e in entries]
        paper = every[0]["fit"]["paper"]
        attacks = [("clean", None), *product(("pgd", "bpda"), BALLS)]
        cells = [_both(published_average(paper, *a), _average(every, *a)) for a in attacks]
        cells += [_percent(_average(every, None, b)) for b in BALLS]
        yield _line(method, ", ".join(categories), *cells)
    yield ""


def _details(found: Found) -> Iterator[str]:
    """Yield what FreeRAD's tables lack: maps, other good parts, time, memory and the audit."""
    yield "### Maps, held-out normals, cost and audit\n"
    yield from _header(
        *("Method", "Category", "Backbone", "Pixel", "Object alone", "Held-out normals"),
        *("Fit, s", "Peak, MiB", "Images a second", "Audit"),
    )
    for method, categories in found.items():
        for category, entries in categories.items():
            clean = [
                _percent(_mean(entries, lambda e, k=kind: _value(_row(e, "clean", None, *k))))
                for kind in (("AUROC", "pixel"), (OBJECT_ALONE, "pixel"), (HELD_OUT, "image"))
            ]
            fit = [
                _number(_mean(entries, lambda e, k=key: e["fit"].get(k)))
                for key in ("fit_seconds", "peak memory, MiB")
            ]
            speed = _number(_mean(entries, lambda e: e.get("scoring", {}).get("images a second")))
            audits = dict.fromkeys(e["audit"]["verdict"] for e in entries if "audit" in e)
            backbone = entries[0]["fit"]["backbone"] or NONE
            yield _line(method, category, backbone, *clean, *fit, speed, ", ".join(audits) or NONE)


def _row(
    entry: Entry,
    attack: str | None,
    ball: Ball | None = None,
    metric: str = "AUROC",
    target: str = "image",
) -> dict[str, Any] | None:
    """Return the row of an entry that leaves the least; None: it has none.

    Args:
        entry: whose clean rows are those of all test images, which come first.
        attack: a suite's name or "clean"; None: any.
        ball: of the attack.
        metric, target: of the row.
    """
    rows = [row for stage in entry.values() if stage for row in stage.get("rows", ())]
    same = [
        row
        for row in rows
        if (attack is None or row["attack"].split(" ")[0] == attack)
        and (row["metric"], row["target"]) == (metric, target)
        and row["norm"] == (ball.name if ball else None)
        and abs(row["eps"] - (ball.eps if ball else 0)) < 1e-9
    ]
    if attack == "clean":
        return same[0] if same else None
    return min(same, key=lambda row: row["mean"][0], default=None)


def _value(row: dict[str, Any] | None) -> float | None:
    return None if row is None else float(row["mean"][0])


def _mean(entries: Sequence[Entry], what: Callable[[Entry], float | None]) -> float | None:
    values = [value for value in map(what, entries) if value is not None]
    return mean(values) if values else None


def _average(
    entries: Sequence[Entry], attack: str | None, ball: Ball | None = None
) -> float | None:
    """Return the mean AUROC of entries under an attack, the strongest for None."""
    return _mean(entries, lambda e: _value(_row(e, attack, ball)))


def _pair(entries: Sequence[Entry], attack: str, ball: Ball | None = None) -> str:
    """Return published / measured."""
    published = _mean(entries, lambda e: (_row(e, attack, ball) or {}).get("published"))
    return f"{_percent(published)} / {_percent(_average(entries, attack, ball))}"


def _both(published: Published | None, measured: float | None) -> str:
    return f"{_percent(published and published.value)} / {_percent(measured)}"


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.1f}"


def _number(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _header(*names: str) -> Iterator[str]:
    yield _line(*names)
    yield _line(*("---" for _ in names))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
