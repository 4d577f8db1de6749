"""The figures of a classifier's run."""

from dataclasses import replace
from functools import partial

from torch import nn

from hardsight.attacks import Ball, default_eps, parse_radius
from hardsight.config import ClassifierConfig
from hardsight.data import LabelledImages
from hardsight.evaluation import (
    ClassCertification,
    ClassifierSubject,
    Execution,
    Protocol,
    Record,
    Voting,
    attack_certified_classes,
    certify_classifier,
    class_suite,
    evaluate_classifier,
)
from hardsight.evaluation.batches import deadline
from hardsight.evaluation.certified.attacks import demand_certifiable
from hardsight.evaluation.provenance import fingerprint
from hardsight.runs.classifier import ClassifierRun
from hardsight.runs.figures.asked import AttackChoice, CertificateChoice, ImageChoice
from hardsight.runs.figures.figures import Figures, PlannedEvaluation
from hardsight.runs.measured import WEIGHTS
from hardsight.runs.opening import open_classifier_run

SUITES = {False: ("pgd", "autoattack"), True: ("bpda-eot", "blau-pgd", "blau-eot")}
"""Whether the classifier is random -> the usual suites."""


class ClassifierFigures(Figures[ClassifierRun]):
    """Measures a classifier, plain or behind its purifier: accuracy, and certified accuracy."""

    spread = "the classes"

    def opened(self, images: ImageChoice) -> tuple[nn.Module, LabelledImages]:
        """Load the classifier and labelled test images."""
        return self.run.classifier(self.device), self._test(images)

    def threat(self, attacks: AttackChoice) -> tuple[str, float]:
        """Return norm and radius; those of the training, or L-inf 8/255, or L2 0.5."""
        return threat(attacks, self.run.config.trained_on)

    def source(self, attacks: AttackChoice) -> nn.Module | None:
        """Load another run's classifier."""
        found = attacks.source
        return open_classifier_run(found).classifier(self.device) if found else None

    def evaluation(
        self, images: ImageChoice, attacks: AttackChoice, protocol: Protocol
    ) -> PlannedEvaluation:
        """Prepare an evaluation by accuracy; see ``Figures``."""
        model, test = self.opened(images)
        config, part = self.run.config, test.limited(images.limit)
        subject = ClassifierSubject.of(model, part)
        norm, eps = self.threat(attacks)
        suites = attacks.built(class_suite, SUITES[subject.random], norm, eps)
        stamp, note = self.run.audited(model)
        measure = partial(
            evaluate_classifier,
            model,
            part,
            source=self.source(attacks),
            trained=config.trained_on,
            method=published_method(config, test),
            record=Record(self._title(test), stamp, self.provenance | config.assumed),
        )
        halves = (eps / 8, eps / 4, eps / 2, eps)
        protocol = replace(protocol, curve=attacks.radii(halves))
        notes = [*self.left_out(len(part), len(test)), note]
        return PlannedEvaluation(subject, suites, norm, protocol, measure, notes)

    def certificates(
        self, images: ImageChoice, choice: CertificateChoice, execution: Execution
    ) -> list[ClassCertification]:
        """Certify the accuracy of the majority vote."""
        suites = choice.suites(class_suite)
        demand_certifiable(suites)  # before anything is certified
        model = self.run.classifier(self.device, choice.terms.sigma)
        test = self._test(images)
        part, how = test.limited(images.limit), choice.smoothing
        facts = {
            "data": f"{test.name}, {len(part)} images",
            "images (SHA-256)": part.sha256,
            WEIGHTS: fingerprint(self.run.classifier(self.device)),
        }
        until = deadline(execution.max_minutes)
        found = certify_classifier(
            model,
            part.images,
            part.labels,
            choice.terms,
            voting=Voting(batch_size=how.batch_size, seed=how.seed),
            classes=part.classes,
            execution=execution,
            record=Record(self._title(test), provenance=self.provenance | facts),
        )
        if suites:
            found = attack_certified_classes(
                found,
                model,
                part,
                suites,
                protocol=choice.protocol,
                execution=execution.until(until),
            )
        lossy = [f"The images are {test.note}."] if test.note else []
        notes = (*found.notes, *lossy, *self.left_out(len(part), len(test)))
        return [replace(found, notes=notes)]

    def _test(self, images: ImageChoice) -> LabelledImages:
        return self.run.labelled("test", images.path, images.allow_data_change)

    def _title(self, test: LabelledImages) -> str:
        return f"{self.run.name} on {test.name}"


def threat(attacks: AttackChoice, trained: Ball | None) -> tuple[str, float]:
    """Return the threat model of a classifier's figures.

    Args:
        attacks: norm and radius as asked for.
        trained: the threat model of the training; None: there was none.
    """
    norm = attacks.norm or (trained.name if trained else "Linf")
    same = trained is not None and norm.lower() == trained.name.lower()
    usual = default_eps(norm, 8 / 255 if norm.lower() == "linf" else 0.5)
    return norm, parse_radius(attacks.eps or (trained.eps if trained and same else usual))


def published_method(config: ClassifierConfig, data: LabelledImages) -> str | None:
    """Return whose published figures stand beside those of a run, see ``published_accuracy``."""
    digits = data.name.startswith("MNIST")
    if not (digits or data.name.startswith("CIFAR-10")):
        return None
    if config.method == "rap":
        return "rap-mnist" if digits else "rap"
    if config.method == "classifier":
        return "madry-mnist" if digits and config.trained_on else None
    return None if digits else config.method
