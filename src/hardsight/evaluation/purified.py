"""A detector behind a purifier, by the purifier's depth: does it erase attacks, or defects?"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hardsight.attacks import Suite
from hardsight.core.progress import Progress
from hardsight.data import AnomalyData
from hardsight.detectors import Detector
from hardsight.detectors.adapters.purification import Purification
from hardsight.evaluation.batches import deadline
from hardsight.evaluation.detectors import EXECUTION, USUAL, evaluate
from hardsight.evaluation.plan import Execution, Protocol
from hardsight.evaluation.results import Curve, Estimate, Evaluation, Row
from hardsight.evaluation.rows import BLIND

TITLE = "Does the purifier erase attacks, or defects?"
CAPTION = (
    "AUROC of the detector behind the purifier, clean and attacked, with 95 % intervals; at a "
    "depth of 0 the detector stands alone. Where the clean line falls, the purifier takes defects "
    "for attacks."
)


def curve_suite(suites: Sequence[Suite]) -> Suite:
    """Return the suite of the curve over the depths: the last that aims at the score.

    Raises:
        ValueError: none does.
    """
    suite = next((s for s in reversed(suites) if not s.on_map), None)
    if suite is None:
        raise ValueError(
            "the curve over the depths t* of a purifier is of an attack on the score, and no suite "
            "has one; add --suite pgd"
        )
    return suite


def at_depth(protocol: Protocol) -> Protocol:
    """Return the protocol at the depths of the curve but the first."""
    return replace(protocol, curve=(), corruptions=(), gallery=0)


def evaluate_purified(
    purification: Purification,
    depths: Sequence[int],
    detector: Detector,
    data: AnomalyData,
    suites: Sequence[Suite],
    *,
    protocol: Protocol = USUAL,
    execution: Execution = EXECUTION,
    **options: Any,
) -> Evaluation:
    """Evaluate a detector behind a purifier, with its AUROC against the depth t* as a curve.

    Args:
        purification: what stands in front.
        depths: t*; the first is that of all figures, and the curve has all of them and 0.
        detector: fitted; by itself.
        data: see ``evaluate``.
        suites: attacks to run; the curve is of the last that aims at the score.
        protocol, execution, options: see ``evaluate``.

    Raises:
        ValueError: no depth, or one that the purifier has not; no suite that aims at the score; or
            as ``evaluate``.
    """
    if not depths:
        raise ValueError("depths is empty; name at least one t*, as 100")
    suite = curve_suite(suites)
    ball, until = suite.ball, deadline(execution.max_minutes)
    first = depths[0]
    behind = {depth: purification.before(detector, depth) for depth in (0, *depths)}
    named = replace(execution, progress=_named(execution.progress, first))
    whole = evaluate(behind[first], data, suites, protocol=protocol, execution=named, **options)
    lines: dict[str, list[tuple[float, Estimate]]] = {"clean": [], suite.name: []}
    notes: list[str] = []
    for depth in sorted(behind):
        told = _named(execution.progress, depth)
        left = replace(execution.until(until), progress=told)
        found = (
            whole
            if depth == first
            else evaluate(
                behind[depth],
                data,
                [suite],
                protocol=at_depth(protocol),
                execution=left,
                **options,
            )
        )
        for name, points in lines.items():
            of_it = ("clean", None, 0.0) if name == "clean" else (name, ball.name, ball.eps)
            rows = [r for r in found.main if (r.suite, r.norm, r.eps) == of_it]
            points += [(float(depth), row.mean) for row in rows[-1:]]
            if found is not whole:
                at = f"the curve at t* = {depth}, {name}"
                notes += _reservations(at, rows[-1:], len(found.labels))
    caption = f"{CAPTION} Attack: {suite.description}."
    curve = Curve(TITLE, "t*", {k: tuple(v) for k, v in lines.items() if v}, caption)
    return replace(whole, curves=(*whole.curves, curve), notes=(*whole.notes, *notes))


def _named(progress: Progress, depth: int) -> Progress:
    """Return who hears of the work at a depth, as a stage that is named after it."""

    def told(stage: str, done: int, total: int, info: str = "") -> None:
        progress(f"{stage}, t* = {depth}", done, total, info)

    return told


def _reservations(at: str, rows: Sequence[Row], images: int) -> Iterator[str]:
    """Yield what is to be known of a point: of how many images it is, and blind gradients.

    Args:
        at: where.
        rows: that of the point; empty: time ran out before it.
        images: of the test set.
    """
    covered = sum(row.images for row in rows)
    if covered < images:
        yield f"Time ran out: {at}, covers {covered} of {images} images."
    for flag in (flag for row in rows for flag in row.flags):
        if flag.startswith(BLIND):
            yield f"{at[0].upper()}{at[1:]}: {flag.removeprefix(BLIND)}"
