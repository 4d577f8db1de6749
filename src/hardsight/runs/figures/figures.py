"""The figures of a run's model: what suits its kind is asked of one class each."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, TypeVar

from torch import nn

from hardsight.attacks import Suite
from hardsight.audit import Audit
from hardsight.audit import audit as run_audit
from hardsight.core.progress import Progress, quiet
from hardsight.data import AnomalyData, LabelledImages
from hardsight.evaluation import (
    Certification,
    ClassCertification,
    Cost,
    Evaluation,
    Execution,
    Protocol,
    Subject,
    estimate,
)
from hardsight.evaluation.parts import parts
from hardsight.runs.figures.asked import AttackChoice, CertificateChoice, ImageChoice
from hardsight.runs.folder import RunFolder

R = TypeVar("R", bound=RunFolder[Any])


@dataclass(frozen=True)
class PlannedEvaluation:
    """An evaluation that can be carried out, and what it will cost.

    Args:
        subject: what is attacked.
        suites: by which.
        norm: of the curve.
        protocol: how it is measured.
        evaluate: (suites, protocol=, execution=) -> what was found.
        notes: what a reader must know of the choice.
        further: name -> what ``evaluate`` measures besides, as at other depths of a purifier.

    Raises:
        ValueError: a suite needs what the subject lacks, as the source of a transferred attack.
    """

    subject: Subject
    suites: Sequence[Suite]
    norm: str
    protocol: Protocol
    evaluate: Callable[..., Evaluation]
    notes: Sequence[str] = ()
    further: Mapping[str, "PlannedEvaluation"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for suite in self.suites:
            suite.demand(self.subject.model, self.subject.source)

    def costs(self) -> list[Cost]:
        """Return what each part of it will cost, by a short measurement."""
        planned = parts(self.subject, self.suites, self.norm, self.protocol)
        found = estimate(self.subject, planned, self.protocol.batch_size)
        for name, other in self.further.items():
            found += [cost.named(f"{cost.part.name}, {name}") for cost in other.costs()]
        return found

    def carry_out(self, execution: Execution) -> Evaluation:
        """Return what was measured, with the notes."""
        found = self.evaluate(self.suites, protocol=self.protocol, execution=execution)
        return replace(found, notes=(*found.notes, *self.notes))


class Figures(ABC, Generic[R]):
    """Measures the model of a run.

    Args:
        run: finished.
        device: where.
        progress: told of the decoding of test images.
    """

    spread: ClassVar[str]
    """Over what images are spread, where not all are taken."""

    def __init__(self, run: R, device: str = "auto", progress: Progress = quiet) -> None:
        self.run, self.device, self.progress = run, device, progress

    @property
    def provenance(self) -> dict[str, str]:
        """What every report says of the run."""
        return {"preset": self.run.config.preset, "run": self.run.name}

    @abstractmethod
    def opened(self, images: ImageChoice) -> tuple[nn.Module, AnomalyData | LabelledImages]:
        """Load the model, and the data set that was chosen."""

    @abstractmethod
    def threat(self, attacks: AttackChoice) -> tuple[str, str | float]:
        """Return norm and radius, the usual ones where none are named."""

    @abstractmethod
    def source(self, attacks: AttackChoice) -> nn.Module | None:
        """Load the model from which attacks are transferred; None: none was named."""

    @abstractmethod
    def evaluation(
        self, images: ImageChoice, attacks: AttackChoice, protocol: Protocol
    ) -> PlannedEvaluation:
        """Prepare an evaluation; the protocol's curve is that of the attacks.

        Raises:
            ValueError: an unknown suite, norm, radius or budget, or images that do not serve.
        """

    @abstractmethod
    def certificates(
        self, images: ImageChoice, choice: CertificateChoice, execution: Execution
    ) -> Sequence[Certification | ClassCertification]:
        """Certify the smoothed model, once for each design."""

    def audit(self, images: ImageChoice, attacks: AttackChoice, **options: Any) -> Audit:
        """Check whether robust figures of the model can be believed.

        Args:
            images: on which, and how many.
            attacks: threat model and source.
            options: of ``hardsight.audit.audit``.
        """
        model, data = self.opened(images)
        norm, eps = self.threat(attacks)
        return run_audit(
            model,
            data,
            eps=eps,
            norm=norm,
            images=images.limit,
            source=self.source(attacks),
            synthetic=images.synthetic,
            **options,
        )

    def left_out(self, taken: int, whole: int) -> list[str]:
        """Return what a report says where not all test images were taken."""
        if taken == whole:
            return []
        return [f"Only {taken} of {whole} test images were used, spread evenly over {self.spread}."]
