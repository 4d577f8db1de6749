"""How long the parts of an evaluation will take, before it begins."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from hardsight.attacks import Objective
from hardsight.evaluation.parts import Part
from hardsight.evaluation.probe import probe
from hardsight.evaluation.subjects import Subject


class Cost(NamedTuple):
    """What a part of an evaluation will cost on a data set."""

    part: Part
    passes: int
    """Network evaluations an image of its attacks, at most."""
    minutes: float
    """For all images, on this device as busy as it is now."""

    def named(self, name: str) -> "Cost":
        """Return this cost with another name of its part."""
        return self._replace(part=replace(self.part, name=name))


def estimate(subject: Subject, parts: Iterable[Part], batch_size: int = 8) -> list[Cost]:
    """Time a gradient of one batch, or its values where there is no gradient, and multiply.

    Args:
        subject: what will be attacked.
        parts: of the evaluation.
        batch_size: see ``Protocol``.
    """
    x = subject.batch(0, batch_size)
    with subject.at_rest():
        seconds = gradient_seconds(subject.victim(0, len(x)).objective(subject.judged, x), x)
    minutes = seconds * len(subject) / 60
    own = subject.own_draws
    return [
        Cost(
            part,
            part.times * part.suite.passes(own) if part.suite else 0,
            part.cost(subject) * minutes,
        )
        for part in parts
    ]


def gradient_seconds(objective: Objective, x: Tensor) -> float:
    """Return the seconds of an image's value with its gradient, as of one where there is none."""
    return probe(objective, x, lambda: torch.Generator(x.device).manual_seed(0))[0]
