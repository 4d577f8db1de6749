"""The one protocol of every evaluation: a subject, left alone and under attack."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import TypeGuard

from hardsight.attacks import Suite
from hardsight.attacks.threats import THREATS
from hardsight.evaluation.attacked import Attacked, attack_set, run_key
from hardsight.evaluation.batches import deadline
from hardsight.evaluation.corrupted import (
    Corruption,
    corrupted,
    corruption_curves,
    corruptions,
    observed,
)
from hardsight.evaluation.costs import Meter, attack_cost
from hardsight.evaluation.decisions import decided, decision_curve
from hardsight.evaluation.parts import begins_curves, fewer_draws, parts
from hardsight.evaluation.plan import Execution, Protocol, Record
from hardsight.evaluation.provenance import computed_in, fingerprint, made_with
from hardsight.evaluation.results import RADII, SEVERITY, Corrupted, Curve, Evaluation, Row
from hardsight.evaluation.rows import clean_rows, main_figure, map_rows, output_rows
from hardsight.evaluation.subjects import DetectorSubject, Subject
from hardsight.evaluation.wording import nonfinite_gradients, radius, threat_name


def demand_suites(suites: Sequence[Suite], maker: str) -> None:
    """Refuse suites that are names, and one that is in no list.

    Raises:
        TypeError: naming what makes one of a name.
    """
    if isinstance(suites, Suite):
        raise TypeError(f"suites must be a list, got {suites.name!r} alone; give [suite]")
    for suite in [suites] if isinstance(suites, str) else suites:
        if not isinstance(suite, Suite):
            raise TypeError(
                f"suites must be a list of what {maker} makes, got {suite!r}; "
                f'[{maker}("pgd", "Linf", "8/255")], for example'
            )


@dataclass
class Measured:
    """What was measured of a subject."""

    clean: Attacked
    alone: Attacked
    """The same, on no more draws than the points of curves have."""
    rows: list[Row]
    notes: list[str]
    """What time did not allow."""
    attacked: dict[str, Attacked] = field(default_factory=dict)
    """Row's attack -> what it did, of attacks of the outputs."""
    suites: list[Suite] = field(default_factory=list)
    """Those, one each."""
    curves: tuple[Curve, ...] = ()
    points: dict[str, Attacked] = field(default_factory=dict)
    """Radius -> what the curve's attack did there."""
    corruptions: list[Corrupted] = field(default_factory=list)


class Measurement:
    """A protocol carried out on a subject at rest, see ``Subject.at_rest``.

    Args:
        subject: what is measured.
        suites: attacks to run.
        norm: of the curve.
        protocol, execution, record: see there.
    """

    def __init__(
        self,
        subject: Subject,
        suites: Sequence[Suite],
        norm: str,
        protocol: Protocol,
        execution: Execution,
        record: Record,
    ) -> None:
        self.subject, self.protocol = subject, protocol
        self.execution, self.record = execution, record
        self.suites = [subject.sees(s) for s in suites]
        for suite in self.suites:
            suite.demand(subject.model, subject.source)
            suite.demand_objectives(subject.victim(0, 1, suite.on_map))
        self.shown = subject.chosen(protocol.gallery)
        self.quick = subject.sees(subject.quick(norm))
        for eps in protocol.curve:
            self.quick.at(eps)  # refuses a radius that is none before any work
        self.few = fewer_draws(protocol)
        self.until = deadline(execution.max_minutes)
        self.state = [fingerprint(model) for model in subject.models]
        self.late = False
        each = (part.cost(subject) for part in parts(subject, suites, norm, protocol))
        self.meter = Meter(execution.progress, "evaluate", sum(each) * len(subject))

    def run(self) -> Measured:
        """Look at the clean images, attack them, draw the curve, and corrupt them."""
        masked = isinstance(self.subject, DetectorSubject) and self.subject.masks is not None
        clean = self.attack(None, self.protocol, maps=masked)
        assert clean is not None  # no deadline
        fewer = begins_curves(self.subject, self.protocol)
        alone = self.attack(None, self.few) if fewer else clean
        assert alone is not None
        found = Measured(clean, alone, clean_rows(self.subject, clean), [])
        for suite in self.suites:
            done = self.attack(suite, self.protocol)
            if self.usable(done, suite.name, found):
                self.add(suite, done, found)
        if self.protocol.curve:
            found.curves = tuple(self.curves(found))
        if self.protocol.corruptions:
            self.corrupt(found)
        if not self.late:
            self.meter.end()
        return found

    def result(self, found: Measured) -> Evaluation:
        """Return what was measured as every kind of subject has it, without pictures."""
        subject, record = self.subject, self.record
        done = {"clean": found.clean, **found.attacked}
        decisions = done | found.points
        return Evaluation(
            kind=subject.kind,
            title=record.title or subject.title,
            provenance={
                **record.provenance,
                subject.kind: subject.described,
                **computed_in(subject.model, subject.device),
                "weights": self.state[0],
                **subject.facts,
                **made_with(subject.device, self.protocol.seed),
            },
            labels=subject.truth,
            outputs={name: a.outputs for name, a in done.items()},
            decided={name: a.decided for name, a in decisions.items() if a.decided is not None},
            rows=tuple(found.rows),
            curves=found.curves,
            corruptions=tuple(found.corruptions),
            notes=(*subject.notes, *found.notes),
        )

    def attack(
        self,
        suite: Suite | None,
        protocol: Protocol,
        corruption: Corruption | None = None,
        maps: bool = False,
    ) -> Attacked | None:
        """Attack or corrupt all images; the clean ones are looked at however long it takes.

        Their maps are kept where asked for.
        """
        subject, what = self.subject, corruption or ()
        if corruption is not None:
            subject = corrupted(subject, corruption, protocol)
        facts = (subject.kind, self.state, subject.digest, protocol.seed, *what)
        sizes = (protocol.fresh_draws, protocol.batch_size, self.shown)
        key = run_key(suite, *facts, *sizes, *self.decides(suite), *["maps"] * maps)
        name = " ".join(map(str, what)) or "clean"
        if suite is not None:
            name = f"{suite.name}, {radius(suite.ball.name, suite.ball.eps)}"
        cost = attack_cost(self.subject, suite, protocol.fresh_draws)

        found = attack_set(
            subject,
            suite,
            protocol,
            keep=frozenset(self.shown),
            maps=maps,
            batches=self.execution.batches(key, self.until if suite or corruption else math.inf),
            told=self.meter.of_images(cost, name, len(self.subject)),
        )
        self.late |= found is None or len(found) < len(self.subject)
        return found

    def decides(self, suite: Suite | None) -> tuple[object, ...]:
        """Return what else decides what is kept: the threshold, of a suite that attacks decisions.

        Of a detector without any: that its scores are not decided by.
        """
        if not isinstance(self.subject, DetectorSubject):
            return ()
        if self.subject.threshold is None:
            return ("no threshold",)
        aimed = suite is not None and any(a.objective == "decision" for a in suite.attempts)
        return (self.subject.threshold,) if aimed else ()

    def usable(self, done: Attacked | None, what: str, found: Measured) -> TypeGuard[Attacked]:
        """Note what time did not allow; a part is reported as long as it allows a figure."""
        n = 0 if done is None else len(done)
        if n < len(self.subject):
            found.notes.append(f"Time ran out: {what} covers {n} of {len(self.subject)} images.")
        return self.subject.enough(n)

    def add(self, suite: Suite, done: Attacked, found: Measured) -> None:
        """Add the rows of an attack; others of the same name are told by radius, then number."""
        name, again = suite.name, f"{suite.name} {radius(suite.ball.name, suite.ball.eps)}"
        numbered = (f"{again} ({i})" for i in count(2))
        name = next(n for n in chain((name, again), numbered) if n not in found.attacked)
        if suite.submissions > 1:
            found.notes.append(
                f"{name}: every image was attacked and submitted {suite.submissions} times, and "
                "counts by the worst answer; the column of a single draw is of one submission."
            )
        if suite.on_map and isinstance(self.subject, DetectorSubject):
            found.rows += map_rows(self.subject, name, done, suite, self.record.flags)
            return
        found.rows += output_rows(self.subject, name, done, suite, self.record.flags)
        found.attacked[name] = done
        found.suites.append(suite)

    def curves(self, found: Measured) -> Iterator[Curve]:
        """Yield the main figure against eps, eps = 0 first, and what becomes of decisions."""
        points, done = [(0.0, main_figure(self.subject, found.alone))], {0.0: found.alone}
        for eps in sorted(self.protocol.curve):
            suite = self.quick.at(eps)
            attacked = self.attack(suite, self.few)
            if self.usable(attacked, f"the curve at {eps:.4f}", found):
                if attacked.nonfinite.any():
                    told = nonfinite_gradients(attacked.nonfinite)
                    found.notes.append(f"The curve at {eps:.4f}: {told}")
                points.append((eps, main_figure(self.subject, attacked)))
                found.points[f"{radius(suite.ball.name, eps)} (curve)"] = done[eps] = attacked
        threat = self.quick.ball.name
        label = f"{SEVERITY}{threat}" if threat in THREATS else RADII[threat]
        caption = f"{self.quick.description}, {threat_name(threat)}"
        lines = {self.quick.name: tuple(points)}
        yield Curve("How strong must the attack be?", label, lines, caption)
        counted = {eps: decided(self.subject, one) for eps, one in done.items()}
        kept = {eps: found for eps, found in counted.items() if found is not None}
        if kept:
            yield decision_curve(kept, label, caption)

    def corrupt(self, found: Measured) -> None:
        """Look at the images under every corruption, as far as time allows."""
        asked = corruptions(self.protocol.corruptions)
        clean = main_figure(self.subject, found.alone)
        for corruption in asked:
            done = self.attack(None, self.few, corruption)
            if done is None or len(done) < len(self.subject):
                break
            found.corruptions.append(observed(self.subject, corruption, done, clean))
        if len(found.corruptions) < len(asked):
            found.notes.append(
                f"Time ran out: {len(found.corruptions)} of {len(asked)} corruptions were tried."
            )
        alone = observed(self.subject, ("none", 0), found.alone, clean)
        found.curves = (*found.curves, *corruption_curves(found.corruptions, alone))
