"""The report of an evaluation, of a detector or a classifier."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from hardsight.attacks import BALLS, THREATS
from hardsight.evaluation.alarms import Alarms, alarms
from hardsight.evaluation.diagnostics import judge_accuracy
from hardsight.evaluation.results import Averages, Curve, Evaluation
from hardsight.evaluation.subjects.subject import Kind
from hardsight.evaluation.verdict import RULE, Verdict, judge, strongest
from hardsight.evaluation.wording import figure, tags, threat_name
from hardsight.reports import plots
from hardsight.reports.corruptions import corruption_heads, corruption_rows
from hardsight.reports.gallery import shown
from hardsight.reports.page import bullets, markdown_table, plain, provenance_lines, render
from hardsight.reports.pictures import AMPLIFY
from hardsight.reports.tables import check_finite, columns, filled, joined, table_row

JUDGES: dict[Kind, Callable[[Evaluation], Verdict]] = {
    "detector": judge,
    "classifier": judge_accuracy,
}
RULES: dict[Kind, str] = {
    "detector": RULE,
    "classifier": "A robust accuracy is the share of images that stay right under the strongest "
    "attack tried; a stronger one may leave less. Only a certificate excludes that.",
}
UNITS: dict[Kind, str] = {
    "detector": "With 95 % intervals; an AUROC of 0.5 is a coin toss.",
    "classifier": "With 95 % intervals.",
}
UPPER_LIMIT = (
    "Attacks give an upper limit: a stronger or a different attack may do worse than what is "
    "printed here. Only a certificate excludes that."
)
ALARM_HEADS = ["Attack", "Threshold set on", "Defects found", "False alarms"]
AVERAGE_HEADS = [
    "Attack",
    "Threat models",
    "AoA, of all",
    "Published",
    "AwT, of those not trained on",
    "Published",
]


def alarm_cells(alarms: Alarms) -> list[str]:
    """Return the decisions at one threshold under one attack as cells."""
    a = alarms
    return [a.attack, a.calibrated, f"{a.found} of {a.defects}", f"{a.false} of {a.good}"]


def average_cells(average: Averages, measure: str) -> list[str]:
    """Return a suite's averages of a measure as cells."""
    a = average
    values = (a.all, a.published, a.unseen, a.published_unseen)
    cells = ("-" if value is None else figure(value, measure) for value in values)
    return [a.suite, ", ".join(a.threats), *cells]


def figures(found: Evaluation) -> list[tuple[str, Markup, str]]:
    """Return (title, SVG, caption) of the line plots that the evaluation has numbers for."""
    measure = _measure(found)
    curves = [
        (curve.title, Markup(plots.curve_svg(curve, measure)), _caption(curve, measure))
        for curve in found.curves
    ]
    if found.kind == "classifier":
        return curves
    attack = strongest(found)
    names = ["clean"] + ([attack] if attack else [])
    scores = {n: found.decided.get(n, found.scores(n)) for n in names}
    told = f", clean above and under {attack} below, on one axis" if attack else ""
    alarm = " Above the dashed threshold is an alarm." if found.threshold is not None else ""
    roc = (
        "ROC curve",
        Markup(plots.roc_svg({n: found.scores(n) for n in found.outputs}, found.labels)),
        "Every threshold at once, on scores averaged over the fresh draws, or the worst of several "
        "submissions. A detector that cannot be fooled keeps to the upper left when attacked; on "
        "the diagonal it guesses.",
    )
    histogram = (
        "Scores of good parts and defects",
        Markup(plots.histogram_svg(scores, found.labels, found.threshold)),
        f"Scores of the test images{told}. The further apart the two colours, the better.{alarm}",
    )
    return [roc, *curves, histogram]


def _measure(found: Evaluation) -> str:
    """Return the main figure's name; "" where there is none."""
    return found.rows[0].metric if found.rows else ""


def _caption(curve: Curve, measure: str) -> str:
    if not curve.threat:
        return curve.caption
    shown = (curve.measure or measure).replace("share", "Share", 1)
    return (
        f"{shown} as the allowed perturbation grows, with its 95 % interval. Attack: "
        f"{curve.caption}."
    )


def not_covered(found: Evaluation) -> list[str]:
    """Return the sentences on what the report does not tell: its notes, and what was not tried."""
    told = [*found.notes, UPPER_LIMIT]
    if found.kind == "detector":
        threats = {row.norm for row in found.rows}
        left = [threat_name(norm) for norm in (*BALLS, *THREATS) if norm not in threats]
        left += [] if found.corruptions else ["corruptions"]
        if left:
            told.append(
                f"Not tried: {', '.join(left)} (hardsight evaluate RUN --threat, --corruptions)."
            )
    return told


def html(found: Evaluation) -> str:
    """Return the report as one page."""
    check_finite(found)
    rows = [table_row(row) for row in found.rows]
    titles = columns(found.kind)
    heads = {key: titles[key] for key in filled(titles, rows)}
    return render(
        "evaluation.html.j2",
        e=found,
        verdict=JUDGES[found.kind](found),
        rule=RULES[found.kind],
        units=UNITS[found.kind],
        columns=heads,
        rows=[
            ({k: cells[k] for k in heads}, tags(row.flags))
            for cells, row in zip(rows, found.rows, strict=True)
        ],
        alarm_heads=ALARM_HEADS,
        alarms=[alarm_cells(a) for a in alarms(found)],
        averages=[average_cells(a, _measure(found)) for a in found.averages],
        average_heads=AVERAGE_HEADS,
        corruption_heads=corruption_heads(found.corruptions),
        corruption_rows=corruption_rows(found.corruptions, _measure(found)),
        threats={norm: THREATS[norm] for row in found.rows if (norm := row.norm) in THREATS},
        not_covered=not_covered(found),
        figures=figures(found),
        gallery=shown(found),
        amplify=AMPLIFY,
    )


def markdown(found: Evaluation) -> list[str]:
    """Return verdict, tables, notes and provenance as lines of Markdown."""
    check_finite(found)
    v, titles = JUDGES[found.kind](found), columns(found.kind)
    word = f"**{v.status.capitalize()}.** " if v.status else ""
    lines = [f"# {plain(found.title)}", "", f"{word}{plain(v.headline)}", ""]
    lines += bullets((*v.clean, *(f.text for f in v.findings), *v.remarks))
    lines += ["", UNITS[found.kind], ""]
    table = [[joined(c) for k, c in table_row(r).items() if k in titles] for r in found.rows]
    lines += markdown_table([title for title, _ in titles.values()], table)
    lines += ["", *(f"- **{title}**: {text}." for title, text in titles.values()), ""]
    if told := alarms(found):
        lines += [*markdown_table(ALARM_HEADS, [alarm_cells(a) for a in told]), ""]
    if found.averages:
        averages = [average_cells(a, _measure(found)) for a in found.averages]
        lines += [*markdown_table(AVERAGE_HEADS, averages), ""]
    measure = _measure(found)
    if found.corruptions:
        rows = [[joined(c) for c in row] for row in corruption_rows(found.corruptions, measure)]
        heads = corruption_heads(found.corruptions)
        lines += ["## Corruptions", "", *markdown_table(heads, rows), ""]
    for curve in found.curves:
        lines += [f"## {plain(curve.title)}", "", *_curve_table(curve, measure), ""]
    lines += ["## What was not covered", "", *bullets(not_covered(found)), ""]
    return [*lines, *provenance_lines(found.provenance), "", RULES[found.kind]]


def _curve_table(curve: Curve, measure: str) -> list[str]:
    """Return a line for each x, with a column for each line of the curve."""
    measure = curve.measure or measure
    xs = sorted({x for points in curve.lines.values() for x, _ in points})
    by = [{x: figure(e.value, measure) for x, e in points} for points in curve.lines.values()]
    rows = [[plots.setting(curve, x), *(b.get(x, "-") for b in by)] for x in xs]
    head = plots.STRENGTHS.get(curve.x_label, curve.x_label)
    return markdown_table([head, *curve.lines], rows)


def values(found: Evaluation) -> dict[str, Any]:
    """Return all numbers."""
    check_finite(found)
    return found.to_json()
