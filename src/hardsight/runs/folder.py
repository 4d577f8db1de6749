"""What every run folder has: its configuration, whether it is finished, and its audit."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar

from torch import nn

from hardsight.audit import Audit
from hardsight.config import Config
from hardsight.core.files import write_atomically
from hardsight.core.lock import locked
from hardsight.core.progress import Progress, quiet
from hardsight.core.run_folders import RunError
from hardsight.core.words import quoted
from hardsight.evaluation.provenance import fingerprint
from hardsight.evaluation.subjects.subject import Kind
from hardsight.evaluation.wording import radius
from hardsight.runs.card import CARD, About, card
from hardsight.runs.measured import Measured

MANIFEST = "manifest.json"
METRICS = "metrics.json"
AUDIT = "audit/audit.json"

_log = logging.getLogger(__name__)
C = TypeVar("C", bound=Config)
M = TypeVar("M", bound=nn.Module)
P = ParamSpec("P")
R = TypeVar("R", bound="RunFolder[Any]")


def alone(fit: Callable[Concatenate[R, P], M]) -> Callable[Concatenate[R, P], M]:
    """Return a fit of a run that holds its folder, in which no other process writes meanwhile."""

    @wraps(fit)
    def holding(run: R, /, *arguments: P.args, **options: P.kwargs) -> M:
        with locked(run.path):
            return fit(run, *arguments, **options)

    return holding


class RunFolder(ABC, Generic[C]):
    """A run folder; every command takes one.

    ``config.yaml``, ``manifest.json``, the weights, ``metrics.json``, ``training/`` (checkpoints,
    logs, samples), ``audit/`` and ``evaluation/``; ``start.json`` where it starts from another run.

    Args:
        path: of the folder.
        config: what its ``config.yaml`` holds.
        bundle: the file that the folder was unpacked from for as long as it is used; None: none.
    """

    subject: ClassVar[Kind]
    """What the run fits."""

    def __init__(self, path: Path, config: C, bundle: Path | None = None) -> None:
        self.path, self.config, self.bundle = path, config, bundle

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def name(self) -> str:
        """Name of the folder, or of the bundle."""
        return (self.bundle or self.path).name

    @property
    def reports(self) -> Path:
        """Folder below which reports are written: the run's, or one beside the bundle."""
        if self.bundle is None:
            return self.path
        return self.bundle.with_name(f"{self.bundle.stem}-reports")

    @abstractmethod
    def fit(
        self, device: str = "auto", allow_data_change: bool = False, progress: Progress = quiet
    ) -> nn.Module:
        """Train and save; goes on from the last checkpoint if there is one.

        Raises:
            FolderInUseError: another process writes in the folder.
        """

    @abstractmethod
    def remarks(self) -> list[str]:
        """Return sentences about what was fitted, and what to do next."""

    @abstractmethod
    def model(self, device: str = "auto") -> nn.Module:
        """Load what was fitted."""

    @abstractmethod
    def about(self) -> About:
        """Return what the card says of a run of this kind."""

    def card(self) -> str:
        """Return the card: data, recipe, hashes, what was measured and what was not.

        Raises:
            RunError: the run is not finished.
            ValueError: a report is damaged.
        """
        self.check_finished()
        model = self.model("cpu")
        measured = Measured.read(self.reports, fingerprint(model), self.audited(model))
        return card(self.about(), self.config.model_dump(mode="json"), self.path, measured)

    def write_card(self, card: str) -> None:
        """Write the card as ``README.md``; a bundle is never changed, and an export has no card."""
        if self.bundle is None and self.finished:
            write_atomically(self.path / CARD, card)

    def renew_card(self) -> None:
        """Write the card anew after a measurement, which stands where that cannot be: it is said.

        Another report may be damaged, or the run be on a disk that takes no file.
        """
        if self.bundle is not None or not self.finished:
            return
        try:
            self.write_card(self.card())
        except (OSError, ValueError) as error:
            _log.warning("%s is not of the last measurement: %s", self.path / CARD, error)

    @property
    def finished(self) -> bool:
        """Whether all is fitted and saved: the metrics are written last."""
        return (self.path / METRICS).is_file()

    def check_finished(self) -> None:
        """Refuse a run that is not finished, and say how to go on with it."""
        if not self.finished:
            again = f"hardsight fit --resume --run {quoted(self.path)}"
            raise RunError(f"{self.path} is not finished; go on with: {again}")

    @property
    def audit_path(self) -> Path:
        """Where ``hardsight audit`` writes, and ``evaluate`` reads, the audit."""
        return self.reports / AUDIT

    def audited(self, model: nn.Module) -> tuple[tuple[str, ...] | None, str]:
        """Return the stamp on the robust figures of the run's model, and where it comes from.

        Args:
            model: the run's detector or classifier, as it is now.

        Returns:
            ``Audit.stamp``, or None where there is no audit of these weights; and a sentence.

        Raises:
            ValueError: the audit's file is damaged.
        """
        command = "hardsight audit RUN"
        if not self.audit_path.is_file():
            return None, f"The {self.subject} was not audited; do it with: {command}"
        found = Audit.read(self.audit_path)
        if found.weights != fingerprint(model):
            return None, (
                "The audit at hand is of other weights or settings and was not used; make it anew "
                f"with: {command}"
            )
        return found.stamp, f"Audit at {radius(found.norm, found.eps)}: {found.headline}"
