"""Whether an entry comes out again: some batches of its images, drawn at random, are remade."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hardsight.attacks.threats import is_shared
from hardsight.benchmark.asked import Asked
from hardsight.benchmark.entry import Entry
from hardsight.benchmark.facts import checkpoints
from hardsight.evaluation import Protocol
from hardsight.evaluation.attacked import attack_batch
from hardsight.evaluation.results import per_image
from hardsight.evaluation.shared import shared_parameters
from hardsight.runs import open_run
from hardsight.runs.figures import AttackChoice, ImageChoice, PlannedEvaluation, figures_of

CLEAN, ATTACKED = 0.02, 0.2
"""Mean difference of scores that is allowed, in spreads of the clean scores of the entry. Another
machine rounds differently, and an attack of many steps takes other turns for it."""


@dataclass(frozen=True)
class Agreement:
    """What came out again of one attack."""

    attack: str
    images: int
    difference: float
    """Mean distance of the scores from those of the entry, in spreads of its clean scores."""
    allowed: float

    @property
    def agrees(self) -> bool:
        """Whether the difference is allowed."""
        return self.difference <= self.allowed


def verify(
    entry: Entry, run: str | Path, batches: int = 2, seed: int | None = None, device: str = "auto"
) -> list[Agreement]:
    """Attack some batches of an entry's images again, and compare the scores.

    Args:
        entry: whose scores are checked.
        run: the run folder that it was made of.
        batches: of images, drawn at random.
        seed: of the drawing; None: another one each time.
        device: on which it is computed.

    Raises:
        ValueError: the run holds other weights or other images than the entry says, or the entry
            has no scores to compare.
    """
    if "clean" not in entry.scores:
        raise ValueError(
            f"{entry.id} has no scores to compare, as no certificate has; verify an entry of the "
            "same run that was attacked"
        )
    held = checkpoints(Path(run))
    for name, digest in entry.checkpoints.items():
        if held.get(name) != digest:
            raise ValueError(
                f"{name} of {run} has the SHA-256 {held.get(name)}, and the entry was made with "
                f"{digest}: that is another checkpoint; name the run that the entry was made of"
            )
    figures = figures_of(open_run(run), device)
    split = figures.evaluation(ImageChoice(), AttackChoice(curve=""), Protocol()).subject.digest
    if split != entry.data.split_sha256:
        raise ValueError(
            f"the images of {run} have the split hash {split}, and the entry {entry.id} was made "
            f"on {entry.data.split_sha256}: these are other data; verify it where those lie"
        )
    asked = Asked(entry.threat, entry.how, entry.seed, entry.random)
    drawn = np.random.default_rng(seed)
    return list(_compared(entry, asked.evaluation(figures), batches, drawn))


def _compared(
    entry: Entry, planned: PlannedEvaluation, batches: int, drawn: np.random.Generator
) -> Iterator[Agreement]:
    """Yield how far each attack's scores of some batches are from those of the entry."""
    subject, protocol = planned.subject, planned.protocol
    size = protocol.batch_size
    starts = range(0, len(subject), size)
    chosen = sorted(drawn.choice(starts, min(batches, len(starts)), replace=False).tolist())
    for name, values in entry.scores.items():
        if len(values) != len(subject):
            raise ValueError(
                f"{entry.id} has {len(values)} scores of {name}, and {len(subject)} images are "
                "attacked as it says; it is not the record of that measurement"
            )
    known = np.array(entry.scores["clean"])
    spread = max(float(known.std()), 1e-12) if entry.kind == "detector" else 1.0
    with subject.at_rest():
        suites = [subject.sees(suite) for suite in planned.suites]
        for suite in (None, *(s for s in suites if s.name in entry.scores)):
            name = suite.name if suite else "clean"
            recorded, found = np.array(entry.scores[name]), []
            shared = {}
            if suite is not None and is_shared(suite.ball):
                shared = shared_parameters(subject, suite, protocol)
            for start in chosen:
                made = attack_batch(subject, suite, protocol, start, shared=shared)
                done = made["outputs"].numpy()
                truth = subject.truth[start : start + size]
                worst = suite is not None and suite.submissions > 1
                again = per_image(entry.kind, done, truth, worst)
                found.append(np.abs(again - recorded[start : start + size]))
            each = np.concatenate(found)
            allowed = CLEAN if suite is None else ATTACKED
            yield Agreement(name, len(each), float(each.mean()) / spread, allowed)
