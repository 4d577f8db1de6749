"""The figures of an anomaly detector's run."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from hardsight.attacks import build_suite, default_eps, parse_radius
from hardsight.attacks.threats import THREATS
from hardsight.data import AnomalyData
from hardsight.detectors.base import Detector
from hardsight.detectors.held_out import validation_shares
from hardsight.evaluation import (
    Certification,
    DetectorSubject,
    Evaluation,
    Execution,
    Protocol,
    Record,
    attack_certified,
    certify,
    choose_sigma,
    evaluate,
)
from hardsight.evaluation.batches import deadline
from hardsight.evaluation.certified.attacks import demand_certifiable
from hardsight.evaluation.detectors import CURVE_EPS
from hardsight.evaluation.provenance import fingerprint
from hardsight.evaluation.subjects.synthetic import unseen, with_fewer_good_parts
from hardsight.runs.detector import DetectorRun
from hardsight.runs.figures.asked import AttackChoice, CertificateChoice, ImageChoice
from hardsight.runs.figures.figures import Figures, PlannedEvaluation
from hardsight.runs.measured import WEIGHTS
from hardsight.runs.opening import open_detector_run
from hardsight.runs.started import origin

SUITES = ("pgd", "eot-pgd")
SEVERITIES = (0.25, 0.5, 1.0)
"""Severities of the curve of a threat with parameters, in shares of the one asked for."""


class DetectorFigures(Figures[DetectorRun]):
    """Measures a detector: AUROC of its scores and maps, and certified AUROC."""

    spread = "both labels"

    def opened(self, images: ImageChoice) -> tuple[Detector, AnomalyData]:
        """Load the detector and a data set, with test images of both labels unless synthetic."""
        opened = self.run.opened if images.synthetic else self.run.tested
        return opened(self.device, images.path, images.allow_data_change)

    def threat(self, attacks: AttackChoice) -> tuple[str, str | float]:
        """Return norm and radius; L-inf, and of a norm its usual radius, where none are named."""
        norm = attacks.norm or "Linf"
        return norm, attacks.eps or default_eps(norm)

    def source(self, attacks: AttackChoice) -> Detector | None:
        """Load another run's detector."""
        return open_detector_run(attacks.source).detector(self.device) if attacks.source else None

    def evaluation(
        self, images: ImageChoice, attacks: AttackChoice, protocol: Protocol
    ) -> PlannedEvaluation:
        """Prepare an evaluation by AUROC; see ``Figures``."""
        detector, data = self.opened(images)
        norm, eps = self.threat(attacks)
        suites = attacks.built(build_suite, SUITES, norm, eps)
        source = self.source(attacks)
        for suite in suites:
            suite.demand(detector, source)
        protocol = replace(protocol, curve=self._curve(detector, attacks, norm, eps))
        stamp, note = self.run.audited(detector)
        whole = len(data.test)
        if images.limit and images.synthetic:
            data = with_fewer_good_parts(data, images.limit)
        elif images.limit:
            data = data.limited(images.limit, images.balanced)
        (unseen(data)[0] if images.synthetic else data.test).images(self.progress)
        subject = (
            DetectorSubject.synthetic(detector, data, source, protocol.seed)
            if images.synthetic
            else DetectorSubject.of(detector, data, source)
        )
        measure = partial(
            self.evaluator(detector),
            data,
            norm=norm,
            source=source,
            synthetic=images.synthetic,
            record=Record(
                stamp=stamp,
                provenance=self.provenance | origin(self.run.path),
                previous=self.run.previous,
            ),
        )
        notes = [note] if images.synthetic else [note, *self.left_out(len(data.test), whole)]
        if not detector.differentiable:
            notes.append("The figure against eps is left out: it is drawn by gradients.")
        return PlannedEvaluation(subject, suites, norm, protocol, measure, notes)

    def _curve(
        self, detector: Detector, attacks: AttackChoice, norm: str, eps: str | float
    ) -> list[float]:
        """Return the radii of the curve; of what has no gradient there is none.

        Raises:
            ValueError: one is asked for all the same, or a radius is no number.
        """
        if not detector.differentiable:
            if attacks.curve:
                raise ValueError(
                    f"curve={attacks.curve!r} is drawn by gradients, and {self.run.path} has none; "
                    "leave it out, or evaluate the run that it was made of"
                )
            return []
        usual = (
            [f * parse_radius(eps) for f in SEVERITIES] if norm.lower() in THREATS else CURVE_EPS
        )
        return attacks.radii(usual)

    def evaluator(self, detector: Detector) -> Callable[..., Evaluation]:
        """Return what evaluates the opened detector: (data, suites, ...) -> what was found."""
        return partial(evaluate, detector)

    def certificates(
        self, images: ImageChoice, choice: CertificateChoice, execution: Execution
    ) -> list[Certification]:
        """Certify by AUROC; where the fit chose by validation normals, others set thresholds."""
        detector, data = self.opened(images)
        whole = len(data.test)
        if images.limit:
            data = data.limited(images.limit, images.balanced)
        data.test.images(execution.progress)
        notes = self.left_out(len(data.test), whole)
        found = self._certified(detector, data, choice, execution)
        return [replace(one, notes=(*one.notes, *notes)) for one in found]

    def _certified(
        self, detector: Detector, data: AnomalyData, choice: CertificateChoice, execution: Execution
    ) -> Iterator[Certification]:
        """Yield the certificate of each design."""
        suites = choice.suites(build_suite)  # what can be refused is refused at once
        demand_certifiable(suites)
        for suite in suites:
            suite.demand(detector, None)
        terms, provenance = choice.terms, self.provenance | {WEIGHTS: fingerprint(detector)}
        selecting = self.run.config.fit.splits_validation or bool(choice.sigmas)
        choosing, calibrating = validation_shares(data, selecting)
        for design in dict.fromkeys(choice.designs):
            smoothing = replace(choice.smoothing, design=design)
            if choice.sigmas:
                chosen = choose_sigma(
                    detector,
                    data,
                    terms,
                    choice.sigmas,
                    smoothing=smoothing,
                    normals=choosing,
                    execution=execution,
                )
                terms = replace(terms, sigma=chosen.sigma)
                provenance = provenance | {"sigma": chosen.statement}
            until = deadline(execution.max_minutes)
            found = certify(
                detector,
                data,
                terms,
                smoothing=smoothing,
                normals=calibrating,
                execution=execution,
                record=Record(provenance=provenance),
            )
            if suites:
                found = attack_certified(
                    found,
                    detector,
                    data,
                    suites,
                    protocol=choice.protocol,
                    execution=execution.until(until),
                )
            yield found
