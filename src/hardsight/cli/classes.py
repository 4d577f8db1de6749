"""``hardsight evaluate`` and ``certify`` for classifiers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from hardsight.cli.console import console, errors, say, say_report
from hardsight.cli.progress import told

if TYPE_CHECKING:
    from hardsight.attacks import Ball, Suite
    from hardsight.config import ClassifierConfig
    from hardsight.data import LabelledImages
    from hardsight.evaluation import (
        ClassCertification,
        Cost,
        Evaluation,
        Protocol,
        Terms,
        Voting,
        Work,
    )
    from hardsight.runs import ClassifierRun


@dataclass(frozen=True)
class Plan:
    """The attacks that were asked for; None: what suits the classifier."""

    suites: Sequence[str] | None
    norm: str | None
    eps: str | None
    budget: str
    effort: dict[str, Any]
    """Fields of ``Effort`` that differ from the budget's."""
    curve: str | None

    def build(self, trained: "Ball | None", random: bool) -> "tuple[list[Suite], list[float]]":
        """Return the suites, and the radii of the curve.

        Args:
            trained: the threat model of the training; None: there was none.
            random: whether the classifier draws noise.
        """
        from hardsight.attacks import parse_radius
        from hardsight.evaluation import class_suite

        norm, eps = threat(self.norm, self.eps, trained)
        names = ("bpda-eot", "blau-pgd", "blau-eot") if random else ("pgd", "autoattack")
        suites = [
            class_suite(n, norm, eps, self.budget, **self.effort) for n in self.suites or names
        ]
        if self.curve is None:
            return suites, [eps / 8, eps / 4, eps / 2, eps]
        return suites, [parse_radius(c) for c in self.curve.split(",") if c.strip()]


def threat(norm: str | None, eps: str | None, trained: "Ball | None") -> tuple[str, float]:
    """Return the threat model of a classifier's figures.

    Args:
        norm, eps: as asked for; None: that of the training, or L-inf 8/255, or L2 0.5.
        trained: the threat model of the training; None: there was none.
    """
    from hardsight.attacks import parse_radius

    norm = norm or (trained.name if trained else "Linf")
    same = trained is not None and norm.lower() == trained.name.lower()
    usual = 8 / 255 if norm.lower() == "linf" else 0.5
    return norm, parse_radius(eps or (trained.eps if trained and same else usual))


def print_costs(costs: "list[Cost]") -> None:
    """Say what is going to be run, and how long it will take."""
    table = Table("suite", "attacks", "passes an image", "minutes, about", title="Budget")
    for suite, passes, minutes in costs:
        table.add_row(suite.name, suite.description, f"{passes:,}", f"{minutes:.1f}")
    errors.print(table)


def evaluate_classes(
    work: "ClassifierRun",
    plan: Plan,
    test: "LabelledImages",
    limit: int | None,
    source: Path | None,
    device: str,
    folder: Path,
    protocol: "Protocol",
    place: "Work",
) -> None:
    """Attack the classifier of a run and write the report.

    Args:
        work: the run.
        plan: the attacks.
        test: labelled images.
        limit: of them at most; None: all.
        source: run folder of another classifier, for transferred and grey-box attacks.
        device: where.
        folder: of the report.
        protocol: how it is measured; the curve is the plan's.
        place: where work is kept, and how long it may take.
    """
    from hardsight.evaluation import ClassifierSubject, Record, estimate, evaluate_classifier
    from hardsight.runs import open_classifier_run

    config = work.config
    model = work.classifier(device)
    part = test.limited(limit)
    subject = ClassifierSubject.of(model, part)
    suites, curve = plan.build(config.trained_on, subject.random)
    stamp, note = work.audited(model)
    print_costs(estimate(subject, suites, protocol.batch_size, protocol.fresh_draws))
    with told() as progress:
        found = evaluate_classifier(
            model,
            part,
            suites,
            source=open_classifier_run(source).classifier(device) if source else None,
            trained=config.trained_on,
            method=published_method(config, test),
            protocol=replace(protocol, curve=curve),
            work=replace(place, progress=progress),
            record=Record(
                title=f"{work.path.name} on {test.name}",
                stamp=stamp,
                provenance={"preset": config.preset, "run": work.path.name} | config.assumed,
            ),
        )
    notes = (*found.notes, *_limited(part, test), note)
    print_accuracy(replace(found, notes=notes), folder)


def certify_classes(
    work: "ClassifierRun",
    test: "LabelledImages",
    limit: int | None,
    device: str,
    folder: Path,
    terms: "Terms",
    voting: "Voting",
    place: "Work",
) -> None:
    """Certify the classifier of a run and write the report.

    Args:
        work: the run.
        test: labelled images.
        limit: of them at most; None: all.
        device: where.
        folder: of the report.
        terms, voting: what is certified, and how it is sampled.
        place: where work is kept, and how long it may take.
    """
    from hardsight.evaluation import Record, certify_classifier

    model = work.classifier(device, terms.sigma)
    part = test.limited(limit)
    record = Record(
        title=f"{work.path.name} on {test.name}",
        provenance={
            "preset": work.config.preset,
            "run": work.path.name,
            "data": f"{test.name}, {len(part)} images",
            "images (SHA-256)": part.sha256,
        },
    )
    with told() as progress:
        found = certify_classifier(
            model,
            part.images,
            part.labels,
            terms,
            voting=voting,
            classes=part.classes,
            work=replace(place, progress=progress),
            record=record,
        )
    said = [*([f"The images are {test.note}."] if test.note else []), *_limited(part, test)]
    print_class_certificate(replace(found, notes=(*found.notes, *said)), folder)


def print_class_certificate(found: "ClassCertification", folder: Path) -> None:
    """Write the report's three files and show the table."""
    from hardsight.reports import certified_classes as words
    from hardsight.reports import write_report

    page = write_report(found, folder, "certificate")
    table = Table(*(heading for heading, _ in words.COLUMNS.values()))
    for point in found.rows:
        table.add_row(*(cell.main for cell in words.cells(found, point).values()))
    console.print(table)
    for sentence in (words.headline(found), *words.remarks(found)):
        say(sentence)
    say_report(page)


def _limited(part: "LabelledImages", test: "LabelledImages") -> list[str]:
    """Return what a report says of images left out."""
    if len(part) == len(test):
        return []
    return [f"Only {len(part)} of {len(test)} test images were used, spread over the classes."]


def published_method(config: "ClassifierConfig", data: "LabelledImages") -> str | None:
    """Return whose published figures stand beside those of a run, see ``published_accuracy``."""
    digits = data.name.startswith("MNIST")
    if config.method == "rap":
        return "rap-mnist" if digits else "rap"
    if config.method == "classifier":
        return "madry-mnist" if digits and config.trained_on else None
    return None if digits else config.method


def print_accuracy(found: "Evaluation", folder: Path) -> None:
    """Write the report's three files and show the table."""
    from hardsight.evaluation.diagnostics import judge_accuracy
    from hardsight.evaluation.wording import radius, tags
    from hardsight.reports import write_report

    page = write_report(found, folder)
    table = Table("attack", "accuracy, %", "95 % interval", "worst draw", "published", "flags")
    for row in found.rows:
        ball, v = radius(row.norm, row.eps), row.mean
        table.add_row(
            row.attack if ball in row.attack else f"{row.attack} {ball}",
            f"{100 * v.value:.1f}",
            f"{100 * v.low:.1f} to {100 * v.high:.1f}",
            "" if row.worst is None else f"{100 * row.worst.value:.1f}",
            "" if row.published is None else f"{100 * row.published:.1f}",
            ", ".join(tags(row.flags)),
        )
    console.print(table)
    verdict = judge_accuracy(found)
    for sentence in (verdict.headline, *verdict.remarks):
        say(sentence)
    say_report(page)
