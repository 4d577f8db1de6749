"""A job carried out: fitted, left alone, audited, and attacked or certified under each threat."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from hardsight.attacks import build_ball
from hardsight.audit import Audit
from hardsight.audit.protocol import IMAGES
from hardsight.benchmark.asked import Asked, demand_detector
from hardsight.benchmark.entry import (
    PICTURES,
    REPORT,
    SUFFIX,
    DataFacts,
    Entry,
    Made,
    beside,
)
from hardsight.benchmark.facts import (
    as_asked,
    audited,
    backbone_of,
    beside_all,
    certified_rows,
    checkpoints,
    is_audit_of,
    is_made_of,
    trained_on,
)
from hardsight.benchmark.job import RUN, Job, Places, slug
from hardsight.benchmark.parts import take_parts
from hardsight.benchmark.plan import Plan, ThreatAsked
from hardsight.benchmark.variants import beside_published
from hardsight.core.files import write_atomically
from hardsight.core.progress import Progress, quiet
from hardsight.data import AnomalyData, LabelledImages
from hardsight.evaluation import (
    Certification,
    DetectorSubject,
    Evaluation,
    Execution,
    Protocol,
    Row,
    Smoothing,
    Subject,
    Terms,
)
from hardsight.reports.forms import write_html
from hardsight.reports.gallery import shown
from hardsight.runs import ClassifierRun, DetectorRun, start_run
from hardsight.runs.figures import (
    AttackChoice,
    CertificateChoice,
    Figures,
    ImageChoice,
    PlannedEvaluation,
    figures_of,
)
from hardsight.runs.figures.classifier import published_method
from hardsight.runs.folder import METRICS
from hardsight.runs.metrics import FitMetrics


@dataclass
class Measurement:
    """The measurement of a job.

    Args:
        job: what is measured.
        plan: how, and under which threats.
        places: where.
        device: on which it computes.
        progress: told of every finished batch.
    """

    job: Job
    plan: Plan
    places: Places
    device: str = "auto"
    progress: Progress = quiet

    @property
    def folder(self) -> Path:
        """Where the job's entries, its run and its unfinished work lie."""
        return self.job.folder(self.places)

    def path(self, threat: ThreatAsked) -> Path:
        """Return where the entry of a threat is written."""
        return self.folder / f"{slug(threat.name)}{SUFFIX}"

    def kept(self, threat: ThreatAsked) -> Entry | None:
        """Return the entry of a threat as it was asked for; None: it is still to be made."""
        path = self.path(threat)
        if not path.is_file():
            return None
        found = Entry.read(path)
        asked = (threat, self.plan.how, self.job.data.note, as_asked(self.job.method))
        have = (found.threat, found.how, found.data.note, as_asked(found))
        if have != asked:
            return None
        return found if is_made_of(found, self.folder / RUN, self.job.config(self.places)) else None

    def entries(self) -> Iterator[Entry]:
        """Make the entries that are not there, and yield each once it is written."""
        for threat in self.plan.threats:
            found = self.kept(threat)
            if found is None:
                found = self.made(threat)
                found.write(self.path(threat))
            yield found

    def made(self, threat: ThreatAsked) -> Entry:
        """Measure the job's model under a threat."""
        demand_detector(threat, self.job.config(self.places))
        clean, audit = self.clean, self.audit
        facts: dict[str, Any] = self.facts | {
            "threat": threat,
            "clean": self._beside(clean.rows),
            "audit": None if audit is None else audited(audit),
        }
        if threat.sigma is not None:
            return self._certified(threat, facts)
        found = clean if threat.clean else self.planned(threat).carry_out(self.execution)
        write_html(beside_all(found, clean), beside(self.path(threat), REPORT))
        self._write_pictures(threat, found)
        return Entry(
            **facts,
            attacked=() if threat.clean else self._beside(found.rows),
            corrupted=found.corruptions,
            scores={name: tuple(found.scores(name).tolist()) for name in found.outputs},
            touched=self._touched(None if threat.clean else "attacked"),
            notes=self._notes(found.notes),
        )

    def _beside(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        """Return a detector's rows beside what is published of the data set that the plan names."""
        facts = self.facts
        paper = facts["paper"] if facts["kind"] == "detector" else None
        return beside_published(rows, paper, facts["data"], facts["variant"])

    def _notes(self, notes: tuple[str, ...]) -> tuple[str, ...]:
        """Return the notes but that on the audit, which stands by itself."""
        return tuple(note for note in notes if str(self.run.path) not in note)

    def planned(self, threat: ThreatAsked) -> PlannedEvaluation:
        """Return the evaluation of a threat, before it is carried out."""
        asked = Asked(threat, self.plan.how, self.job.seed, bool(self.whole.subject.random))
        return asked.evaluation(self.figures)

    @cached_property
    def run(self) -> DetectorRun | ClassifierRun:
        """The run of the job, fitted."""
        found = start_run(self.folder / RUN, self.job.config(self.places), resume=True)
        if not found.finished:
            if isinstance(found, ClassifierRun):  # a detector starts from the lender's run
                lenders = self.job.method.parts.items()
                runs = {part: self.job.folder(self.places, name) / RUN for part, name in lenders}
                take_parts(found.path, runs)
            found.fit(self.device, progress=self.progress)
        return found

    @cached_property
    def figures(self) -> Figures[Any]:
        """What measures the run's model."""
        return figures_of(self.run, self.device)

    @cached_property
    def data(self) -> AnomalyData | LabelledImages:
        """The data set, or labelled test images."""
        _, found = self.figures.opened(ImageChoice())
        return found

    @cached_property
    def whole(self) -> PlannedEvaluation:
        """The evaluation of all test images, left alone."""
        how = self.plan.how
        protocol = Protocol(how.fresh_draws, self.job.seed, how.batch_size, gallery=0)
        planned = self.figures.evaluation(ImageChoice(), AttackChoice(curve=""), protocol)
        return replace(planned, suites=())

    @cached_property
    def clean(self) -> Evaluation:
        """What was measured of them."""
        return self.whole.carry_out(self.execution)

    @property
    def execution(self) -> Execution:
        """Where finished batches are kept, and who is told."""
        return Execution(self.folder / "state", progress=self.progress)

    @cached_property
    def audit(self) -> Audit | None:
        """The audit of the model at the first attacked threat, read where it was made so before."""
        budget, threat = self.plan.how.audit, self.plan.audited
        if budget is None or threat is None:
            return None
        path = self.run.audit_path
        asked = (self.clean.provenance["weights"], build_ball(threat.norm, threat.eps), budget)
        if path.is_file() and is_audit_of(found := Audit.read(path), *asked, self.job.seed):
            return found
        attacks = AttackChoice((), threat.norm, threat.eps)
        made = self.figures.audit(
            ImageChoice(),
            attacks,
            budget=budget,
            seed=self.job.seed,
            execution=Execution(progress=self.progress),
        )
        made.write(path)
        return made

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What all entries of the job say alike."""
        found, subject, job = self.clean, self.whole.subject, self.job
        provenance = found.provenance
        anomalous = int(found.labels.sum()) if found.kind == "detector" else None
        metrics = FitMetrics.read(self.run.path / METRICS)
        return {
            "method": job.method.label,
            "preset": self.run.config.preset,
            "settings": dict(job.method.settings),
            "parts": dict(job.method.parts),
            "variant": dict(job.method.variant),
            "trained": trained_on(self.run),
            "kind": found.kind,
            "paper": self._paper(subject),
            "random": bool(subject.random),
            "backbone": backbone_of(subject),
            "weights": provenance["weights"],
            "checkpoints": checkpoints(self.run.path),
            "data": DataFacts(
                name=job.data.name,
                category=job.category,
                split_sha256=subject.digest,
                test_images=len(found.labels),
                anomalous=anomalous,
                note=job.data.note,
            ),
            "seed": job.seed,
            "how": self.plan.how,
            "made": Made(
                hardsight=provenance["hardsight"],
                torch=provenance["torch"],
                hardware=provenance["device"],
                precision=metrics.scoring_precision,
                fit_seconds=metrics.fit_seconds,
            ),
        }

    def _paper(self, subject: Subject) -> str | None:
        if isinstance(self.run, ClassifierRun) and isinstance(self.data, LabelledImages):
            return published_method(self.run.config, self.data)
        return subject.model.paper if isinstance(subject, DetectorSubject) else None

    def _touched(self, stage: str | None) -> dict[str, tuple[int, ...]]:
        """Return which test images each stage looked at, by their places among all."""
        found = {"clean": self._part(None)}
        if stage is not None:
            found[stage] = self._part(self.plan.how.images)
        return found | ({"audited": self._part(IMAGES[self.clean.kind])} if self.audit else {})

    def _part(self, count: int | None) -> tuple[int, ...]:
        """Return the places of ``count`` test images, as they are spread; None: of all."""
        if isinstance(self.data, LabelledImages):
            return tuple(self.data.spread(count))
        place = {name: i for i, name in enumerate(self.data.test.names)}
        taken = self.data if count is None else self.data.limited(count, balanced=True)
        return tuple(place[name] for name in taken.test.names)

    def _write_pictures(self, threat: ThreatAsked, found: Evaluation) -> None:
        """Write what the method's page shows of some images."""
        images = [one._asdict() for one in shown(found).images] if found.gallery else []
        path = beside(self.path(threat), PICTURES)
        write_atomically(path, json.dumps({"attack": found.gallery_attack, "images": images}))

    def _certified(self, threat: ThreatAsked, facts: dict[str, Any]) -> Entry:
        """Certify some of the test images."""
        how = self.plan.how
        assert threat.sigma is not None
        choice = CertificateChoice(
            Terms(threat.sigma, threat.copies, radii=threat.radii),
            Smoothing(pixels=0, batch_size=how.batch_size, seed=self.job.seed),
        )
        images = ImageChoice(limit=how.images, balanced=True)
        (found,) = self.figures.certificates(images, choice, self.execution)
        assert isinstance(found, Certification)
        return Entry(
            **facts,
            certified=certified_rows(found, facts["paper"], facts["data"]),
            touched=self._touched("certified"),
            notes=self._notes(found.notes),
        )
