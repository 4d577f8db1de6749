"""What the numbers of an evaluation mean, in plain sentences and one word."""

from collections.abc import Iterable
from typing import NamedTuple

from hardsight.evaluation.alarms import counts
from hardsight.evaluation.curves import falls, least_left
from hardsight.evaluation.distribution_shift import compare
from hardsight.evaluation.results import (
    HELD_OUT,
    OBJECT_ALONE,
    Estimate,
    Evaluation,
    GalleryItem,
    Row,
)
from hardsight.evaluation.wording import UNRELIABLE, figure, option, pairs, radius, tags
from hardsight.metrics import alarms, auroc

HOLDS, WEAKENED = 0.85, 0.60
"""The AUROC under attack from which a detector "holds", and below which it is "broken"."""
NOTABLE = 0.05
"""A fall of the AUROC from one noise column to another that deserves a sentence."""

RULE = (
    f"Holds: an AUROC of at least {HOLDS:.2f} is left by the strongest attack tried. "
    f"Weakened: at least {WEAKENED:.2f}. Broken: less. Not proven: "
    "it looks as if it held, but the attack has not passed its own checks, or was not checked; an "
    "attack that fails proves nothing, whereas one that succeeds always does. What holds only "
    "while the attacker does not know the detector's noise counts as weakened. The word on top is "
    "about the ranking, and the worst over the attacks in the table and, up to their radii, of the "
    "curve."
)
HEADLINES = {
    "not attacked": "The detector was not attacked: nothing is known about its robustness.",
    "holds": "The ranking held against every attack tried{at}.",
    "not proven": "Nothing tried{at} upset the ranking, but the attack is not known to be good.",
    "weakened": "The detector can be weakened.",
    "broken": "The detector can be fooled.",
}
"""Status -> headline, from best to worst; ``at`` is the threat model, where it is one."""

HELD = ("holds", "not proven")
"""Status of a ranking that no attack upset; the decisions at the threshold may still fall."""


class Finding(NamedTuple):
    """What one kind of perturbation did."""

    status: str
    """A key of ``HEADLINES``."""
    text: str


class Verdict(NamedTuple):
    """The whole answer."""

    status: str
    """A key of ``HEADLINES``; "" where no word is put on the figures."""
    headline: str
    clean: tuple[str, ...]
    findings: tuple[Finding, ...]
    """One a kind of perturbation."""
    remarks: tuple[str, ...]


def strongest(evaluation: Evaluation) -> str | None:
    """Return the attack that leaves the lowest image AUROC; None if all is clean.

    Of equal ones that which does more harm at the threshold, where there is one.
    """
    attacked = [name for name in evaluation.outputs if name != "clean"]

    def left(name: str) -> tuple[float, int]:
        scores = evaluation.scores(name)
        ranked = auroc(scores, evaluation.labels[: len(scores)])
        if evaluation.threshold is None:
            return ranked, 0
        found, _, false, _ = counts(evaluation, name)
        return ranked, found - false

    return min(attacked, key=left, default=None)


def _kind(norm: str | None, eps: float) -> str:
    if norm != "Linf":
        return "a perturbation"
    for limit, word in ((4, "an invisible"), (8, "a barely visible"), (16, "a faintly visible")):
        if eps * 255 <= limit + 2e-3:
            return f"{word} perturbation"
    return "a visible perturbation"


def _finding(rows: list[Row], on_curve: Estimate | None) -> Finding:
    """Judge the image AUROC rows of one threat model by the lowest of them and of its curve."""
    lowest = min(rows, key=lambda row: row.mean.value)
    least = min(lowest.mean, on_curve or lowest.mean, key=lambda estimate: estimate.value)
    value, low, high = least
    flags = tags(sorted({flag for row in rows for flag in row.flags}))
    if value < WEAKENED:
        status = "broken"
        rest = ", worse than a coin toss" if value < 0.5 else ""
    elif value < HOLDS:
        status = "weakened"
        rest = f" - perhaps fewer, for the attack is {', '.join(flags)}" if flags else ""
    else:
        by_chance = any(r.fixed and r.fixed.value < HOLDS for r in rows)
        status = "weakened" if by_chance else "not proven" if flags else "holds"
        rest = f", but that is not to be relied on: {', '.join(flags)}" if flags else ""
    still = "still ranks" if value >= HOLDS else "ranks only"
    text = [
        f"Under {_kind(lowest.norm, lowest.eps)} ({radius(lowest.norm, lowest.eps)}) "
        f"it {still} {pairs(value)} of the pairs correctly{rest}."
    ]
    if least is not lowest.mean:
        text.append(
            "That is what the attack of the curve leaves; those of the table leave "
            f"{pairs(lowest.mean.value)}."
        )
    if any(low < line <= high for line in (HOLDS, WEAKENED)):
        text.append(
            f"With so few images it may be {100 * low:.0f} to {100 * high:.0f} %, which reaches "
            "across a line of the rule below."
        )
    text.extend(_about_noise(rows, value))
    return Finding(status, " ".join(text))


def _about_noise(rows: list[Row], value: float) -> Iterable[str]:
    """Say where the other noise columns are much lower than the mean over draws."""
    worst = min((r.worst for r in rows if r.worst), default=None, key=lambda e: e.value)
    fixed = min((r.fixed for r in rows if r.fixed), default=None, key=lambda e: e.value)
    if worst and worst.value < value - NOTABLE:
        yield f"If the attacker may try each image again and again, {pairs(worst.value)} are left."
    if fixed and fixed.value < value - NOTABLE:
        yield (
            f"If the attacker knows the detector's noise, {pairs(fixed.value)} are left: "
            "part of what seems robust is only chance."
        )


def outcome(item: GalleryItem, threshold: float | None) -> tuple[str, bool]:
    """Return what the attack did to an image, and whether it fooled the detector."""
    if threshold is None:
        return "no threshold was set", False
    before = item.score_clean > threshold
    after = None if item.score_attacked is None else item.score_attacked > threshold
    words = {
        (True, True, None): "found",
        (True, False, None): "missed",
        (False, False, None): "passes",
        (False, True, None): "false alarm",
        (True, True, True): "found",
        (True, True, False): "hidden by the attack",
        (True, False, False): "missed, attacked or not",
        (True, False, True): "found only when attacked",
        (False, False, False): "passes",
        (False, False, True): "false alarm by the attack",
        (False, True, True): "false alarm, attacked or not",
        (False, True, False): "false alarm only when not attacked",
    }
    fooled = before == item.anomalous and after not in (None, before)
    return words[item.anomalous, before, after], fooled


def unreliable_because(rows: Iterable[Row]) -> list[str]:
    """Return why rows are unreliable, a sentence for each check of the audit that failed."""
    flags = dict.fromkeys(flag for row in rows for flag in row.flags)
    marked = [flag.partition(": ") for flag in flags]
    return [
        f"Why {UNRELIABLE}: the check {reason}"
        for mark, _, reason in marked
        if mark == UNRELIABLE and reason
    ]


def _turned(evaluation: Evaluation) -> str:
    """Say how many right decisions the strongest attack turned, if any; "" where there are none."""
    name = strongest(evaluation)
    if name is None or evaluation.threshold is None:
        return ""
    attacked = alarms(evaluation.decided[name], evaluation.threshold)
    alone = alarms(evaluation.decided["clean"][: len(attacked)], evaluation.threshold)
    defects = evaluation.labels[: len(attacked)].astype(bool)
    false, missed = ~defects & attacked & ~alone, defects & ~attacked & alone
    turned = [
        f"{turns.sum()} of {of.sum()} {what}"
        for turns, of, what in (
            (false, ~defects, "good parts became false alarms"),
            (missed, defects, "defects were hidden"),
        )
        if turns.any()
    ]
    return f" Decisions fell: {', '.join(turned)}." if turned else ""


def _remarks(evaluation: Evaluation) -> Iterable[str]:
    if evaluation.threshold is not None:
        level = evaluation.false_alarm_level
        kind = f" (set for at most {100 * level:.3g} % false alarms)" if level else ""
        found, defects, raised, good = counts(evaluation, "clean")
        text = (
            f"At the threshold{kind} it finds {found} of {defects} defects, with false alarms on "
            f"{raised} of {good} good parts"
        )
        name = strongest(evaluation)
        if name:
            found, defects, false, good = counts(evaluation, name)
            text += (
                f"; attacked ({name}), it finds {found} of {defects}, with false alarms on {false} "
                f"of {good}"
            )
            under = next((r for r in evaluation.rows if r.attack == name and r.norm), None)
            if false > raised and under is not None and under.norm is not None:
                text += (
                    " (a threshold that holds under attack, at the price of defects: hardsight "
                    f"calibrate RUN --under {option(under.norm, under.eps)})"
                )
        yield text + "."
    for threat, strength, left in falls(evaluation.curves, HOLDS):
        at = radius(threat, strength)
        yield f"On the curve the AUROC is below {HOLDS:.2f} from {at} on: {left.value:.3f}."
    yield from _about_held_out(evaluation)
    yield from unreliable_because(evaluation.rows)
    maps = [r for r in evaluation.rows if r.target == "pixel"]
    clean = next((r for r in maps if r.norm is None), None)
    if clean:
        hit = [r for r in maps if r.norm is not None and r.metric == clean.metric]
        alone = figure(clean.mean.value, clean.metric)
        least = min((figure(r.mean.value, r.metric) for r in hit), default="")
        after = f"under an attack aimed at the map {least}" if hit else "no attack aimed at the map"
        yield f"Localisation, pixel {clean.metric}: {alone}; {after}."
        yield from _about_object(maps, [clean, *hit])


def _about_object(maps: list[Row], found: list[Row]) -> Iterable[str]:
    """Say where the map ranks pixels no better than one that marks the whole object."""
    alone = next((r.mean for r in maps if r.metric == OBJECT_ALONE), None)
    if alone is None:
        return
    beaten = [r for r in found if r.mean.value <= alone.value]
    if beaten:
        when = "" if any(r.norm is None for r in beaten) else "under attack "
        yield (
            f"Beware: {when}the map tells defects from the rest no better than marking the whole "
            f"object would, which has {figure(alone.value, OBJECT_ALONE)}."
        )


def _about_held_out(evaluation: Evaluation) -> Iterable[str]:
    """Say where good parts of the test set do not score like those the threshold was set on."""
    if not evaluation.held_out:
        return
    good = compare(evaluation.decided["clean"][~evaluation.labels], evaluation.held_out)
    if good.alike:
        return
    row = next(r for r in evaluation.rows if r.metric == HELD_OUT)
    how, so = (
        ("higher", "expect more false alarms than the threshold was set for")
        if good.higher > 0.5
        else ("lower", "the figures flatter the detector")
    )
    yield (
        f"Beware: in {pairs(good.told_apart)} of the pairs a good part of the test set scores "
        f"{how} than one of those held out of training, on which the threshold was set. Either "
        f"they were not taken alike or the detector was trained on the latter: {so}. Against the "
        f"good parts held out, {pairs(row.mean.value)} of the pairs are ranked correctly."
    )


def judge(evaluation: Evaluation) -> Verdict:
    """Return the verdict: by threat model, the worst of them on top (see ``RULE``)."""
    threats: dict[tuple[str, float], list[Row]] = {}
    for row in evaluation.main:
        if row.norm is not None:
            threats.setdefault((row.norm, row.eps), []).append(row)
    findings = tuple(
        _finding(threats[key], least_left(evaluation.curves, *key)) for key in sorted(threats)
    )
    order = list(HEADLINES)
    status = max((f.status for f in findings), key=order.index, default="not attacked")
    clean = []
    for row in evaluation.main:
        if row.norm is None:
            clean.append(
                f"Left alone, it ranks {pairs(row.mean.value)} of the pairs of a defect and a good "
                "part correctly."
            )
            if row.mean.value < HOLDS:
                clean.append("That is weak before any attack: look at the detector first.")
    at = f" at {radius(*next(iter(threats)))}" if len(threats) == 1 else ""
    headline = HEADLINES[status].format(at=at)
    if status in HELD:
        headline += _turned(evaluation)
    return Verdict(status, headline, tuple(clean), findings, tuple(_remarks(evaluation)))
