"""How figures, threat models and flags are written for a reader."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hardsight.attacks.threats import THREATS
from hardsight.core.words import fraction_of_255

IN_PER_CENT = frozenset({"accuracy"})
"""Measures that the field gives in per cent; all others, as AUROC, are shares of 1."""
UNRELIABLE = "unreliable"
"""What flags begin with that a failed audit puts on a row; the check and a sentence follow."""


def figure(value: float, measure: str) -> str:
    """Return a figure in the field's unit: "0.976" of AUROC and the like, "77.0 %" of accuracy."""
    return f"{100 * value:.1f} %" if measure in IN_PER_CENT else f"{value:.3f}"


def span(low: float, high: float, measure: str) -> str:
    """Return an interval in the unit of ``figure``: "0.938 to 0.991", "70.1 to 82.0 %"."""
    return f"{figure(low, measure).removesuffix(' %')} to {figure(high, measure)}"


def change(difference: float, measure: str) -> str:
    """Return the difference of two figures, with its sign: "-0.012", of accuracy "+1.2" points."""
    value, digits = (100 * difference, 1) if measure in IN_PER_CENT else (difference, 3)
    return f"{round(value, digits) + 0.0:+.{digits}f}"


def threat_name(norm: str) -> str:
    """Return a norm or another threat for reading: "L-inf", "L2", "light"."""
    return {"Linf": "L-inf"}.get(norm, norm)


def radius(norm: str | None, eps: float) -> str:
    """Return the threat model for reading: "L-inf 2/255", "L2 0.2", "light 0.2", "" when clean."""
    if norm is None:
        return ""
    if norm in THREATS:
        return f"{norm} {eps:.2g}"
    tidy = norm == "L2" and abs(eps * 100 - round(eps * 100)) < 1e-9
    return f"{threat_name(norm)} {f'{eps:g}' if tidy else fraction_of_255(eps)}"


def option(norm: str, eps: float) -> str:
    """Return the threat model as ``--under`` takes it: "linf:2/255", "l2:0.2", "light:0.2"."""
    return radius(norm, eps).replace("L-inf", "linf").replace("L2", "l2").replace(" ", ":")


def percent(share: float, digits: int = 0) -> str:
    """Return a share as "31 %"."""
    return f"{100 * share:.{digits}f} %"


def pairs(value: float) -> str:
    """Return an AUROC as a share of pairs, e.g. "97 %"; no round one where a pair is missing."""
    n = round(100 * value)
    if n == 100 and value < 1:
        return "more than 99 %"
    if n == 0 and value > 0:
        return "less than 1 %"
    return f"{n} %"


def nonfinite_gradients(where: NDArray[np.bool_]) -> str:
    """Return the sentence on gradients that were not finite at some of the images (n,)."""
    return (
        f"Non-finite gradients on {int(where.sum())} of {len(where)} images, which were attacked "
        "on by random search: a score without a slope proves nothing, look for saturation in it."
    )


def tags(flags: Iterable[str]) -> tuple[str, ...]:
    """Return flags for a narrow column: of "unreliable: check: sentence" the checks alone."""
    found = dict.fromkeys(flags)
    checks = [parts[1] for flag in found if len(parts := flag.split(": ")) > 2]
    short = [flag for flag in found if flag.count(": ") < 2]
    return (*short, *([f"{UNRELIABLE}: {', '.join(checks)}"] if checks else []))
