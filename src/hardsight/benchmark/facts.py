"""What an entry says of a model, its checkpoint, its audit and its scores."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hardsight.attacks import Ball
from hardsight.audit import Audit
from hardsight.backbones import Backbone
from hardsight.benchmark.entry import AuditFacts, CertifiedRow, DataFacts, Entry
from hardsight.benchmark.job import TEXTURES, MethodAsked
from hardsight.config import Config, DetectorConfig, anchored, load_data
from hardsight.evaluation import Certification, Evaluation, Subject
from hardsight.evaluation.provenance import digest_of
from hardsight.evaluation.published import published_certified
from hardsight.evaluation.wording import figure
from hardsight.runs import CONFIG, ClassifierRun, DetectorRun


def as_asked(method: MethodAsked | Entry) -> tuple[dict[Any, Any], ...]:
    """Return by what a method differs from its preset and from others of its plan."""
    parts: Mapping[Any, str] = method.parts
    return dict(method.settings), dict(parts), dict(method.variant)


def is_made_of(entry: Entry, run: Path, config: Config) -> bool:
    """Tell whether an entry is of the run of a configuration, and of images as they are.

    Of the embedded textures alone, which a plan may ask for otherwise, are the images looked at.
    """
    if not is_run_of(run, config):
        return False
    if entry.data.name != TEXTURES or not isinstance(config, DetectorConfig):
        return True
    if not Path(config.data.path or "").is_dir():  # they are written before anything is measured
        return True
    data = load_data(config.data, config.detector_settings["image_size"], config.training.seed)
    return digest_of(data) == entry.data.split_sha256


def is_run_of(run: Path, config: Config) -> bool:
    """Tell whether a run's folder, if there is one, holds the run of a configuration.

    The data, and the run that it starts from, may lie elsewhere now.
    """
    path = run / CONFIG
    if not path.is_file():
        return True
    changed = Config.read(path).differences(anchored(config))
    return not changed.keys() - {"data.path", "start"}


def is_audit_of(audit: Audit, weights: str, ball: Ball, budget: str, seed: int) -> bool:
    """Tell whether an audit is whole, and of what is asked for."""
    told = audit.provenance
    named, _, _ = told.get("budget", "").partition(":")
    made = (audit.weights, audit.norm, audit.eps, named, told.get("seed"))
    return made == (weights, ball.name, ball.eps, budget, str(seed)) and not audit.due


def audited(audit: Audit) -> AuditFacts:
    """Return what an entry says of an audit."""
    return AuditFacts(
        verdict=audit.verdict,
        headline=audit.headline,
        stamp=audit.stamp,
        norm=audit.norm,
        eps=audit.eps,
        budget=audit.provenance["budget"],
    )


def beside_all(found: Evaluation, clean: Evaluation) -> Evaluation:
    """Return an evaluation of some test images, with a note on the figure of all of them.

    Args:
        found: of those that were attacked or corrupted.
        clean: of all test images, left alone, whose figure the board shows.
    """
    taken, whole, row = len(found.labels), len(clean.labels), clean.rows[0]
    if taken == whole:
        return found
    value = figure(row.mean.value, row.metric)
    note = (
        f"Of all {whole} test images, left alone, the {row.metric} is {value}, which stands on the "
        f"board as clean; the figures here are of {taken} of them."
    )
    return replace(found, notes=(*found.notes, note))


def certified_rows(
    found: Certification, paper: str | None, data: DataFacts
) -> tuple[CertifiedRow, ...]:
    """Return what an entry says of a certificate, at each radius, beside what a paper says.

    Args:
        found: the certificate.
        paper: whose published figures stand beside.
        data: on which it was made.
    """
    of, sigma = (paper, data.category), found.terms.sigma
    return tuple(
        CertifiedRow(
            radius=point.radius,
            auroc=point.auroc,
            auroc_joint=point.auroc_joint,
            auroc_mean=point.auroc_mean,
            published=published_certified(*of, sigma, point.radius, data.name),
        )
        for point in found.rows
    )


def backbone_of(subject: Subject) -> str | None:
    """Return the pretrained network of a subject's model in words; None: it has none."""
    modules = (m for model in subject.models for m in model.modules())
    return next((str(m) for m in modules if isinstance(m, Backbone)), None)


def checkpoints(run: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of weights in a run's folder, by its path there."""
    found = {}
    for path in sorted(run.rglob("*.safetensors")):
        name = path.relative_to(run)
        if name.parts[0] not in ("training", "evaluation"):
            found[name.as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def trained_on(run: DetectorRun | ClassifierRun) -> tuple[str, float] | None:
    """Return norm and radius of a classifier's adversarial training; None: there was none."""
    ball = run.config.trained_on if isinstance(run, ClassifierRun) else None
    return None if ball is None else (ball.name, ball.eps)
