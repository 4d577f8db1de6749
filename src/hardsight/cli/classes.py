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
    from hardsight.evaluation.accuracy import Accuracy
    from hardsight.reports.class_certificate import ClassReport
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
        from hardsight.evaluation.accuracy import class_suite

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


def evaluate_classes(
    work: "ClassifierRun",
    plan: Plan,
    test: "LabelledImages",
    limit: int | None,
    source: Path | None,
    device: str,
    folder: Path,
    terms: dict[str, Any],
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
        terms: further arguments of ``evaluate_classifier``.
    """
    from hardsight.attacks import is_random
    from hardsight.evaluation.accuracy import evaluate_classifier
    from hardsight.runs import open_classifier_run

    config = work.config
    model = work.classifier(device)
    part = test.limited(limit)
    first = part.take([0]).images.to(next(model.parameters()).device).float() / 255
    suites, curve = plan.build(config.trained_on, bool(is_random(model, first)))
    suites = [s.seen_by(model, first) for s in suites]
    stamp, note = work.audited(model)
    own = int(getattr(model, "draws", 1))
    table = Table("suite", "attacks", "passes an image", title="Budget")
    for suite in suites:
        table.add_row(suite.name, suite.description, f"{suite.passes(own):,}")
    errors.print(table)
    with told() as progress:
        found = evaluate_classifier(
            model,
            part,
            suites,
            title=f"{work.path.name} on {test.name}",
            method=published_method(config, test),
            trained=config.trained_on,
            source=open_classifier_run(source).classifier(device) if source else None,
            curve=curve,
            stamp=stamp,
            provenance={"preset": config.preset, "run": work.path.name} | config.assumed,
            progress=progress,
            **terms,
        )
    notes = (*found.notes, *_limited(part, test), note)
    print_accuracy(replace(found, notes=notes), folder)


def certify_classes(
    work: "ClassifierRun",
    test: "LabelledImages",
    limit: int | None,
    sigma: float,
    device: str,
    folder: Path,
    terms: dict[str, Any],
) -> None:
    """Certify the classifier of a run and write the report.

    Args:
        work: the run.
        test: labelled images.
        limit: of them at most; None: all.
        sigma: standard deviation of the smoothing noise.
        device: where.
        folder: of the report.
        terms: further arguments of ``certify_classifier``.
    """
    from hardsight.certify.percentile import check_sigma
    from hardsight.core.devices import pick_device
    from hardsight.evaluation.certified.classes import certify_classifier
    from hardsight.evaluation.provenance import fingerprint, made_with
    from hardsight.reports.class_certificate import ClassReport

    model = work.classifier(device, check_sigma(sigma))
    part = test.limited(limit)
    with told() as progress:
        found = certify_classifier(
            model, part.images, part.labels, sigma=sigma, progress=progress, **terms
        )
    notes = [*([f"The images are {test.note}."] if test.note else []), *_limited(part, test)]
    config = work.config
    name = type(model).__name__
    provenance = {
        "preset": config.preset,
        "run": work.path.name,
        "model": f"{name} {getattr(model, 'settings', '')}".strip(),
        "weights": fingerprint(model),
        "data": f"{test.name}, {len(part)} images",
        "images (SHA-256)": part.sha256,
    } | made_with(pick_device(device), terms["seed"])
    title = f"{work.path.name} on {test.name}"
    print_class_certificate(ClassReport(title, found, part.classes, provenance, notes), folder)


def print_class_certificate(made: "ClassReport", folder: Path) -> None:
    """Write the report's three files and show the table."""
    from hardsight.reports import class_certificate as class_report

    class_report.write_class_certificate_json(made, folder / "certificate.json")
    class_report.write_class_certificate_markdown(made, folder / "certificate.md")
    page = class_report.write_class_certificate_html(made, folder / "certificate.html")
    table = Table(*(heading for heading, _ in class_report.COLUMNS.values()))
    for point in made.found.rows:
        table.add_row(*class_report.cells(made.found, point).values())
    console.print(table)
    for sentence in (class_report.headline(made.found), *class_report.remarks(made.found)):
        say(sentence)
    say_report(page)


def _limited(part: "LabelledImages", test: "LabelledImages") -> list[str]:
    """What a report says of images left out."""
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


def print_accuracy(found: "Accuracy", folder: Path) -> None:
    """Write the report's three files and show the table."""
    from hardsight.evaluation.accuracy.results import remarks
    from hardsight.evaluation.wording import radius, tags
    from hardsight.reports.classifier import (
        headline,
        write_accuracy_html,
        write_accuracy_json,
        write_accuracy_markdown,
    )

    folder.mkdir(parents=True, exist_ok=True)
    write_accuracy_json(found, folder / "report.json")
    write_accuracy_markdown(found, folder / "report.md")
    page = write_accuracy_html(found, folder / "report.html")
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
    for sentence in (headline(found), *remarks(found.rows)):
        say(sentence)
    say_report(page)
