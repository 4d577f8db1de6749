"""What the figures of a classifier say about each other, and about it."""

from collections.abc import Sequence

from hardsight.attacks import ATTACKS
from hardsight.evaluation.results import Evaluation, Row
from hardsight.evaluation.verdict import Verdict, unreliable_because
from hardsight.evaluation.wording import radius, tags

DIAGNOSTICS = tuple(a.name for a in ATTACKS.values() if a.diagnostic)
"""Suites that do not see the exact gradient."""


def hardest(rows: Sequence[Row]) -> Row | None:
    """Return the attacked row that leaves the least; of equals one that sees the gradient."""
    attacked = [r for r in rows if r.norm]
    return min(
        attacked,
        key=lambda r: (r.mean.value, r.suite in DIAGNOSTICS),
        default=None,
    )


def diagnosed(rows: Sequence[Row]) -> list[str]:
    """Return what the rows say about each other: diagnostics against exact attacks.

    What was submitted several times is compared with nothing that was submitted once, and what time
    ran out of with nothing on more images.
    """
    said = []
    rows = [r for r in rows if r.budget.submissions == 1]
    for alike in dict.fromkeys((r.norm, r.eps, r.images) for r in rows if r.norm):
        here = {r.suite: r for r in rows if (r.norm, r.eps, r.images) == alike}
        exact = {k: r for k, r in here.items() if k not in DIAGNOSTICS}
        if not exact:
            continue
        strongest = min(exact, key=lambda k: exact[k].mean.value)
        least = exact[strongest].mean.value
        for name in DIAGNOSTICS:
            if name not in here:
                continue
            gap = 100 * (here[name].mean.value - least)
            if gap > 0:
                said.append(
                    f"{name} overstates the accuracy under {strongest} by {gap:.1f} points: it is "
                    "a diagnostic, not a robust accuracy."
                )
            elif gap < 0:
                said.append(
                    f"{name} is stronger than {strongest}, by {-gap:.1f} points: the exact attacks "
                    "have not converged or their gradient is masked, and their figures are no "
                    "robust accuracy."
                )
    return said


def judge_accuracy(found: Evaluation) -> Verdict:
    """Return what was measured in a sentence, and what is to be known of it.

    No word is put on it: how much accuracy is enough depends on the classes.
    """
    clean = f"{100 * found.rows[0].mean.value:.1f} % right when left alone"
    remarks = (*diagnosed(found.main), *unreliable_because(found.rows), *found.known)
    worst = hardest(found.main)
    if worst is None:
        return Verdict("", f"{clean}; no attack was tried.", (), (), remarks)
    at = f"{100 * worst.mean.value:.1f} % under {worst.attack}"
    if radius(worst.norm, worst.eps) not in worst.attack:
        at += f" ({radius(worst.norm, worst.eps)})"
    doubts = ", ".join(tags(worst.flags))
    rest = f" - perhaps fewer, for the attack is {doubts}" if doubts else ""
    return Verdict("", f"{clean}, {at}{rest}.", (), (), remarks)
