"""What became of an attack, and of a check that could not be made."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hardsight.audit.results import Verdict
from hardsight.evaluation.subjects import Scores


class BlockedError(Exception):
    """A check that cannot be made; the message says why, for a reader.

    Args:
        reason: a sentence.
        verdict: "fail" where that it cannot be made tells enough.
        due: there was no time.
    """

    def __init__(self, reason: str, verdict: Verdict = "skipped", due: bool = False) -> None:
        super().__init__(reason)
        self.verdict, self.due = verdict, due


class Attacked(NamedTuple):
    """What an attack did to every image."""

    scores: Scores
    """(N,) means over fresh draws."""
    harm: Scores
    """(N,) the objective on draws of its own, by which the worst of several attacks is chosen."""


def worst(found: Sequence[Attacked]) -> Attacked:
    """Choose for each image the attack that did the most harm on the judging draws."""
    harm = np.stack([f.harm for f in found])
    chosen = harm.argmax(0)[None]
    scores = np.stack([f.scores for f in found])
    return Attacked(
        np.take_along_axis(scores, chosen, 0)[0], np.take_along_axis(harm, chosen, 0)[0]
    )
