"""The run folder of an anomaly detector."""

import json
import logging
import time
from collections import Counter
from pathlib import Path

from hardsight.config import DetectorConfig, load_data
from hardsight.core.devices import pick_device
from hardsight.core.progress import Progress, announce, quiet
from hardsight.core.run_folders import RunError
from hardsight.core.words import in_words, quoted
from hardsight.data import AnomalyData, Manifest, training_findings
from hardsight.data.kept import demand_memory
from hardsight.data.places import exists
from hardsight.detectors import Calibration, Posed, SavedDetector
from hardsight.detectors.adapters.posed import posed_data
from hardsight.detectors.base import Detector
from hardsight.detectors.fit_report import read_statement, write_report
from hardsight.detectors.fitted import Work
from hardsight.detectors.fitting import calibrated
from hardsight.detectors.held_out import validation_shares
from hardsight.detectors.methods import METHODS
from hardsight.detectors.saved import CALIBRATION_FILE, CONFIG_FILE
from hardsight.export import Exported
from hardsight.runs.card import About
from hardsight.runs.folder import MANIFEST, METRICS, RunFolder, alone
from hardsight.runs.metrics import took, write_metrics
from hardsight.runs.started import origin, record_start
from hardsight.runs.statistics import write_statistics

_log = logging.getLogger(__name__)
LOADING = """from hardsight import open_run

detector = open_run("THIS FOLDER").detector()
found = detector.predict(["part.png"])
found.pred_score, found.anomaly_map, found.pred_label  # (B,), (B, 1, H, W), (B,)"""
"""What a card says of how to use a detector."""
SELECTION, PREVIOUS = "selection.json", "calibration.previous.json"


class DetectorRun(RunFolder[DetectorConfig]):
    """A run of an anomaly detector: ``RunFolder`` with what ``save_pretrained`` writes.

    ``model.safetensors``, ``config.json``, ``calibration.json``, ``README.md``, and
    ``selection.json`` where something was chosen. An exported folder is opened alike.
    """

    subject = "detector"

    def data(self, path: str | Path | None = None) -> AnomalyData:
        """Load the run's data set, or the one at ``path``: of several categories, any one."""
        config = self.config
        place = config.data if path is None else config.data.at(path)
        size, seed = config.detector_settings["image_size"], config.training.seed
        return load_data(place, size, seed, at_most=path is not None)

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
        place = self.config.data.top
        if path is None and place is not None and not exists(place):
            raise RunError(
                f"the data set of {self.path}, {place}, is not there any more; say where it is now "
                "with --data"
            )
        detector, data = self.detector(device), self.data(path)
        if path is None:
            self.check_manifest(data, allow_data_change)
        return detector, data

    def tested(
        self,
        device: str = "auto",
        path: str | Path | None = None,
        allow_data_change: bool = False,
    ) -> tuple[Detector, AnomalyData]:
        """Return what ``opened`` does, with test images of both labels.

        Raises:
            RunError: there are none of one label, and so no figure of how well they are told apart.
        """
        detector, data = self.opened(device, path, allow_data_change)
        labels = data.test.labels
        if labels.all() or not labels.any():
            run = quoted(self.path)
            raise RunError(
                f"{data.name} has {int((~labels).sum())} normal and {int(labels.sum())} anomalous "
                "test images, and figures need both. Add the others and pass --allow-data-change, "
                "name a data set that has both with --data, or measure false alarms and synthetic "
                f"defects with hardsight evaluate {run} --synthetic. hardsight score {run} IMAGES "
                "judges images without"
            )
        return detector, data

    def remarks(self) -> list[str]:
        """Return what the threshold promises, and what can be done with the fitted detector."""
        promise = Calibration.read(self.path / CALIBRATION_FILE).statement
        chosen = read_statement(self.path / SELECTION)
        promises = [promise] if chosen is None else [promise, chosen]
        run = quoted(self.path)
        score = f"hardsight score {run} IMAGES"
        entries = Manifest.read(self.path / MANIFEST).entries
        if len({entry.anomalous for entry in entries if entry.role == "test"}) == 2:
            return [*promises, f"Next: hardsight evaluate {run}   or: {score}"]
        return [
            *promises,
            f"Next: {score}",
            "There were not both normal and defective test images, so nothing says yet how well "
            "they are told apart. Once there are: hardsight evaluate "
            f"{run} --data FOLDER. Until then, --synthetic in its place counts false alarms "
            "on good parts held back, and attacks synthetic defects on them.",
        ]

    def check_manifest(self, data: AnomalyData, allow_change: bool = False) -> None:
        """Refuse a data set that changed since the run was made; record that of a new run."""
        Manifest.check(data, self.path / MANIFEST, allow_change=allow_change)

    @alone
    def fit(
        self, device: str = "auto", allow_data_change: bool = False, progress: Progress = quiet
    ) -> Detector:
        """Train, select, calibrate and save; goes on from the last checkpoint if there is one.

        Raises:
            RunError: the data set has several categories, or fewer normals than a fit takes.
            ManifestChanged: it is not the one that the run began with.
        """
        computing = pick_device(device)  # refused before images are read
        config, data = self.config, self.data()
        method = METHODS[config.method]
        self._check(data, method.detector)
        kept = len(data.train) + len(data.validation), data.train.size
        demand_memory(*kept)  # before a detector for images of that size is made
        for finding in training_findings(data):
            _log.warning(finding)
        made = method.detector(**config.arguments)
        if computing.type == "cpu":
            demand_memory(*kept, made.fitted_bytes(len(data.train)))
        record_start(self.path, config.fit.started_from)
        self.check_manifest(data, allow_data_change)
        begun = time.perf_counter()
        work = Work(self.path / "training", resume=True, progress=progress)
        data.decode_normals(progress)
        announce(progress, "fit", config.fit.stages_on(made, data))
        shown = posed_data(data) if config.posed else data
        fitted = method.fit(made.to(computing), shown, config.fit, work)
        calibration = fitted.calibration
        if config.posed:  # of all hypotheses, which the fit knows nothing of
            _, normals = validation_shares(data, config.fit.splits_validation)
            calibration = calibrated(Posed(fitted.detector), normals, data, config.fit).calibration
        detector: SavedDetector = fitted.detector.with_calibration(calibration)
        (self.path / METRICS).unlink(missing_ok=True)  # fitted again, it is finished at the end
        if fitted.report is not None:
            write_report(fitted.report, self.path / SELECTION)
        detector.save_pretrained(self.path)
        write_statistics(self.path, data)
        precisions = config.training.precision_choice, detector.precision
        write_metrics(self.path / METRICS, begun, detector.device, *precisions)
        self.renew_card()
        return self._posed(detector)

    def detector(self, device: str = "auto") -> Detector:
        """Load the fitted detector; where the folder holds an export, that, which needs no device.

        Raises:
            RunError: the run was not finished.
        """
        if Exported.is_at(self.path):
            return Exported(self.path)
        self.check_finished()
        method = METHODS[self.config.method].detector
        return self._posed(method.from_pretrained(self.path).to(pick_device(device)))

    def check_finished(self) -> None:
        """Refuse a run that is not finished, and an export, of which no run can be made again."""
        if Exported.is_at(self.path):
            raise RunError(
                f"{self.bundle or self.path} is an export, and this takes the run that it was made "
                "of; name that"
            )
        super().check_finished()

    def model(self, device: str = "auto") -> Detector:
        """Load the fitted detector."""
        return self.detector(device)

    def about(self) -> About:
        """Return what the card says of a detector."""
        config, method = self.config, METHODS[self.config.method]
        fitted = (self.path / CONFIG_FILE).read_text("utf-8")
        entries = Manifest.read(self.path / MANIFEST)
        counts = Counter((entry.role, entry.anomalous) for entry in entries.entries)
        size = config.detector_settings["image_size"]
        backbone = config.detector_settings.get("backbone")
        named = {} if backbone is None else {"backbone": f"`{in_words(backbone)}`"}
        return About(
            f"{config.method}: {method.summary}",
            LOADING,
            (
                f"From {config.data.top}"
                f"{f', {config.data.category}' if config.data.category else ''}.",
                f"{counts['train', False]} normal images trained on, "
                f"{counts['validation', False]} normal ones held out for choices and threshold.",
                f"{counts['test', False]} normal and {counts['test', True]} anomalous test images.",
                f"SHA-256 of all files, roles and labels: {entries.sha256}",
            ),
            (
                f"It judges images of {size} x {size}: a defect that vanishes when an image is "
                "shrunk to that is not seen.",
                "The promise of false alarms is of normal images like those held out, on average "
                "over such sets; it says nothing of defects missed.",
            ),
            Calibration.read(self.path / CALIBRATION_FILE).statement,
            read_statement(self.path / SELECTION) or "",
            {
                "preset": config.preset,
                **named,
                "settings as fitted": f"`{in_words(json.loads(fitted))}`",
                **took(self.path / METRICS),
                **origin(self.path),
            },
        )

    def _posed(self, detector: SavedDetector) -> Detector:
        """Return the detector as the run uses it: in any pose, where that is configured."""
        return Posed(detector) if self.config.posed else detector

    @property
    def previous(self) -> Calibration | None:
        """The calibration before the last one that ``hardsight calibrate`` made; None: none."""
        path = self.path / PREVIOUS
        return Calibration.read(path) if path.is_file() else None

    def deciding(self, device: str = "auto") -> Detector:
        """Load the fitted detector for decisions.

        Raises:
            RunError: it has no threshold, so that nothing can be called anomalous or normal.
        """
        found = self.detector(device)
        if found.calibration is None:
            again = "export RUN -o" if isinstance(found, Exported) else "fit --resume --run"
            raise RunError(
                f"{self.path} has no calibration.json, so no threshold says which images are "
                "anomalous; restore the file, or make it anew: hardsight "
                f"{again} {quoted(self.path)}"
            )
        return found

    def _check(self, data: AnomalyData, method: type[Detector]) -> None:
        """Refuse, before the training, a data set that no fit could use to the end."""
        if data.categories and not method.categories:
            raise RunError(f"method {self.config.method} takes one category, got {data.name}")
        for one in data.categories or (data,):
            if len(one.train) < 2:
                raise RunError(
                    f"{one.name} has {len(one.train) + len(one.validation)} normal images, of "
                    f"which {len(one.validation)} are held out; a fit needs at least 2 beside "
                    "those, and dozens to be of use: add more"
                )
