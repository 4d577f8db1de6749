"""The run folder: everything a fitted detector or classifier is, and all that made it."""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from torch import nn

from hardsight.audit import Audit
from hardsight.config import METHODS, ClassifierRun, Config, DetectorRun, load_data, load_labelled
from hardsight.config.started import START, origin, record_start
from hardsight.core.devices import pick_device
from hardsight.core.types import Progress, quiet
from hardsight.data import AnomalyData, LabelledImages, Manifest, Part
from hardsight.detectors import AdvRAD, Detector
from hardsight.evaluation.provenance import fingerprint
from hardsight.evaluation.wording import radius
from hardsight.export import Exported
from hardsight.runs.defended import check_labelled, defended, fit_classifier, smoothed
from hardsight.runs.metrics import write_metrics

CONFIG = "config.yaml"
MANIFEST = "manifest.json"
SELECTION = "selection.json"
METRICS = "metrics.json"
AUDIT = "audit/audit.json"
__all__ = ["Run", "RunError", "load_data", "load_labelled"]


class RunError(ValueError):
    """A run folder that cannot be used as asked; the message says the way out."""


class Run:
    """A run folder.

    ``config.yaml``, ``manifest.json``, ``model.safetensors`` + ``config.json``,
    ``calibration.json``, ``selection.json``, ``metrics.json``, ``training/`` (checkpoints, logs,
    samples), ``audit/`` and ``evaluation/``. Every command takes one.

    A run with a start has ``start.json``, a classifier's ``classifier/`` instead of the model, and
    ``adapter/`` or ``denoiser/`` where something stands in front of it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @classmethod
    def start(cls, path: str | Path, config: Config, resume: bool = False) -> "Run":
        """Make the folder of a new run, or go on with one that was interrupted.

        Raises:
            RunError: the folder holds a run and ``resume`` is false, or a run with other settings.
        """
        run = cls(path)
        if run.begun:
            if not resume:
                raise RunError(
                    f"{path} already holds a run; go on with --resume, or name another folder"
                )
            if changed := run.config.differences(config):
                raise RunError(
                    f"{path} holds a run with another {', '.join(changed)}; resume it with the "
                    f"settings in {run.path / CONFIG}, or name another folder"
                )
            return run
        run.path.mkdir(parents=True, exist_ok=True)
        if (run.path / CONFIG).exists():  # refused, and tried again: its data may be others
            for name in (MANIFEST, START):
                (run.path / name).unlink(missing_ok=True)
        config.write(run.path / CONFIG)
        return run

    @property
    def begun(self) -> bool:
        """Whether the folder holds more of a run than what a fit writes before it refuses."""
        before = {CONFIG, MANIFEST, START}
        config = self.path / CONFIG
        return config.exists() and any(p.name not in before for p in self.path.iterdir())

    @property
    def config(self) -> Config:
        """The run's configuration.

        Raises:
            RunError: not a run folder.
        """
        if not (self.path / CONFIG).is_file():
            raise RunError(
                f"{self.path} is not a run folder: it has no {CONFIG}; make one with: hardsight fit"
            )
        return Config.read(self.path / CONFIG)

    def data(self, path: str | Path | None = None) -> AnomalyData:
        """Load the run's data set, or the one at ``path``: of several categories, any one."""
        config, place = self.detector_config, self.detector_config.data
        if path is not None:
            alone = isinstance(place.category, str) and place.category != "all"
            category = place.category if alone else None
            place = place.model_copy(update={"path": str(path), "category": category})
        return load_data(place, config.detector_settings["image_size"], config.training.seed)

    def opened(
        self,
        device: str = "auto",
        path: str | Path | None = None,
        allow_data_change: bool = False,
    ) -> tuple[Detector, AnomalyData]:
        """Load the fitted detector, and the run's data set unchanged or another at ``path``.

        Raises:
            RunError, ManifestChanged: the run was not finished, or its data set changed.
        """
        detector, data = self.detector(device), self.data(path)
        if path is None:
            self.check_manifest(data, allow_data_change)
        return detector, data

    def check_manifest(self, data: AnomalyData, allow_change: bool = False) -> None:
        """Refuse a data set that changed since the run was made; record that of a new run."""
        path = self.path / MANIFEST
        if path.exists():
            Manifest.check(data, path, allow_change=allow_change)
        if not path.exists() or allow_change:
            Manifest.of(data).write(path)

    def fit(
        self,
        device: str = "auto",
        allow_data_change: bool = False,
        progress: Progress = quiet,
    ) -> Detector:
        """Train, select, calibrate and save; goes on from the last checkpoint if there is one."""
        config = self.detector_config
        data = self.data()
        method = METHODS[config.method]
        detector: Any = method(**config.settings_for(data.name))
        detector.to(pick_device(device))
        if issubclass(method, AdvRAD):
            record_start(self.path, config.fit_options["start"], method)
        elif data.parts:
            raise RunError(f"method {config.method} takes one category, got {data.name}")
        self.check_manifest(data, allow_data_change)
        begun = time.perf_counter()
        detector.fit(
            data,
            config.training,
            config.selection,
            augment=config.augment,
            false_alarms=config.false_alarms,
            folder=self.path / "training",
            resume=True,
            progress=progress,
            **config.fit_options,
        )
        if detector.calibration is not None:
            detector.calibration = replace(detector.calibration, bits=data.train.bits)
        if detector.report is not None:
            detector.report.write(self.path / SELECTION)
        normals = f"{len(data.train)} normal images of {data.name}"
        facts = {"preset": config.preset, "trained on": normals} | origin(self.path)
        detector.save_pretrained(self.path, model_card_kwargs=facts)
        precisions = config.training.precision_choice, detector.precision
        write_metrics(self.path / METRICS, begun, detector.device, *precisions)
        return cast(Detector, detector)

    @property
    def finished(self) -> bool:
        """Whether all is fitted and saved: the metrics are written last."""
        return (self.path / METRICS).is_file()

    def detector(self, device: str = "auto") -> Detector:
        """Load the fitted detector; where the folder holds an export, that, which needs no device.

        Raises:
            RunError: the run was not finished, or is that of a classifier.
        """
        if Exported.is_at(self.path):
            return Exported(self.path)
        method = METHODS[self.detector_config.method]
        self._check_finished()
        return method.from_pretrained(self.path).to(pick_device(device))

    @property
    def classifies(self) -> bool:
        """Whether the run is that of a classifier."""
        return isinstance(self.config, ClassifierRun)

    def labelled(
        self,
        part: Part = "test",
        path: str | Path | None = None,
        allow_data_change: bool = False,
    ) -> LabelledImages:
        """Load a part of the run's labelled images, or of those at ``path``; see ``opened``."""
        place = self.classifier_config.data
        if path is not None:
            return load_labelled(place.model_copy(update={"path": str(path)}), part)
        found = load_labelled(place, part)
        check_labelled(part, found, self.path / MANIFEST, allow_data_change)
        return found

    def fit_classifier(
        self,
        device: str = "auto",
        allow_data_change: bool = False,
        progress: Progress = quiet,
    ) -> nn.Module:
        """Train the classifier and what stands in front of it; goes on where it was interrupted."""
        config, where = self.classifier_config, pick_device(device)
        data = self.labelled("train", None, allow_data_change)
        self.labelled("test", None, allow_data_change)  # recorded, and there
        behind = getattr(config.classifier, "run", None)
        given = partial(Run(behind).classifier, "cpu") if behind else None
        begun = time.perf_counter()
        fit_classifier(config, data, self.path, progress, given)
        write_metrics(self.path / METRICS, begun, where, config.training.precision_choice)
        return self.classifier(device)

    def classifier(self, device: str = "auto", sigma: float | None = None) -> nn.Module:
        """Load the fitted classifier, defended: ``Purified`` where something stands before it.

        Args:
            device: where.
            sigma: as a certificate smooths it: images come with noise of ``sigma`` in them.

        Returns:
            images (B, C, H, W) -> logits (B, K), in eval mode.

        Raises:
            RunError, ValueError: the run is unfinished or a detector's; ``sigma`` does not fit it.
        """
        config = self.classifier_config
        self._check_finished()
        made = defended(config, self.path) if sigma is None else smoothed(config, self.path, sigma)
        return made.to(pick_device(device)).eval()

    @property
    def detector_config(self) -> DetectorRun:
        """The configuration of a detector's run; a RunError for that of a classifier."""
        config = self.config
        if not isinstance(config, DetectorRun):
            raise RunError(
                f"{self.path} holds a classifier ({config.method}), and this is for anomaly "
                f"detectors; use hardsight evaluate, audit or certify {self.path}, "
                "in Python Run(...).classifier()"
            )
        return config

    @property
    def classifier_config(self) -> ClassifierRun:
        """The configuration of a classifier's run; a RunError for that of a detector."""
        config = self.config
        if not isinstance(config, ClassifierRun):
            raise RunError(
                f"{self.path} holds an anomaly detector ({config.method}), and this is for "
                "classifiers; in Python use Run(...).detector()"
            )
        return config

    def _check_finished(self) -> None:
        if not self.finished:
            raise RunError(
                f"{self.path} is not finished; go on with: hardsight fit --resume --run {self.path}"
            )

    @property
    def audit_path(self) -> Path:
        """Where ``hardsight audit`` writes, and ``evaluate`` reads, the audit."""
        return self.path / AUDIT

    def audited(self, model: nn.Module) -> tuple[tuple[str, ...] | None, str]:
        """Return the stamp on the robust figures of the run's model, and where it comes from.

        Args:
            model: the run's detector or classifier, as it is now.

        Returns:
            ``Audit.stamp``, or None where there is no audit of these weights; and a sentence.

        Raises:
            ValueError: the audit's file is damaged.
        """
        if not self.audit_path.is_file():
            kind = "classifier" if self.classifies else "detector"
            return None, f"The {kind} was not audited; do it with: hardsight audit {self.path}"
        found = Audit.read(self.audit_path)
        if found.weights != fingerprint(model):
            return None, (
                "The audit at hand is of other weights or settings and was not used; make it anew "
                f"with: hardsight audit {self.path}"
            )
        return found.stamp, f"Audit at {radius(found.norm, found.eps)}: {found.headline}"
