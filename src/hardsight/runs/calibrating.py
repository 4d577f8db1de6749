"""A new threshold for a fitted detector, from held-out or from other normal images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hardsight.attacks import Suite
from hardsight.core.progress import Progress, quiet
from hardsight.core.run_folders import RunError
from hardsight.data import Manifest, iter_images
from hardsight.data.containers import content_sha256
from hardsight.detectors import Calibration
from hardsight.detectors.held_out import validation_shares
from hardsight.detectors.inputs import Images
from hardsight.detectors.saved import CALIBRATION_FILE
from hardsight.evaluation import calibrate_under
from hardsight.evaluation.wording import nonfinite_gradients
from hardsight.runs.detector import PREVIOUS, DetectorRun
from hardsight.runs.folder import MANIFEST


@dataclass(frozen=True)
class Recalibration:
    """A threshold, the one before, and what each means for the images it was set on."""

    before: Calibration | None
    after: Calibration
    alarms: dict[str, tuple[float, float]]
    """What was done to the images -> the shares above the old and the new threshold."""
    warnings: tuple[str, ...] = ()
    """What a reader must know of the attack, in sentences."""

    @property
    def sentences(self) -> list[str]:
        """What changed, in words."""
        found = [self.after.statement]
        if self.before is not None:
            old, new = self.before.threshold, self.after.threshold
            found.append(f"The threshold of the score was {old:.4g} and is {new:.4g} now.")
        for what, (old, new) in self.alarms.items():
            was, now = (f"{100 * share:.1f} %" for share in (old, new))
            found.append(f"Of these images, {what}, {was} raised an alarm, and {now} do.")
        return [*found, *self.warnings]


def recalibrate(
    run: DetectorRun,
    images: Sequence[str | Path] = (),
    under: Suite | None = None,
    level: float | None = None,
    *,
    seed: int = 0,
    device: str = "auto",
    progress: Progress = quiet,
) -> Recalibration:
    """Set the threshold of a run anew; the one before is kept as ``calibration.previous.json``.

    Args:
        run: finished.
        images: files, folders or globs of normal images that were not trained on; empty: those
            held out of the training for this.
        under: the attack that the threshold is to hold under; None: none.
        level: false-alarm rate; None takes 1 %, or the lowest that so many images can support.
        seed: of the attack.
        device: where.
        progress: told of attacked images.

    Raises:
        RunError: an export, or images that were trained on or are known as defects.
        ValueError: too few images for the level.
    """
    run.check_finished()
    if run.bundle is not None:
        raise RunError(
            f"{run.bundle} is a bundle, which is never changed; calibrate the run that it was made "
            "of, and bundle it again"
        )
    detector = run.detector(device)
    before = detector.calibration
    normals = _chosen(run, images)
    warnings: tuple[str, ...] = ()
    if under is None:
        after = detector.calibrate(normals, level).demand_calibration()
        alarms = {}
    else:
        found = calibrate_under(detector, normals, under, level, seed, progress)
        after, old = found.calibration, before or found.calibration
        was, now = (found.alarms(c.threshold) for c in (old, after))
        alarms = {"left alone": (was[0], now[0]), "attacked": (was[1], now[1])}
        if found.nonfinite.any():
            warnings = (nonfinite_gradients(found.nonfinite),)
    if before is not None:
        before.write(run.path / PREVIOUS)
    after.write(run.path / CALIBRATION_FILE)
    run.renew_card()
    return Recalibration(before, after, alarms, warnings)


def _chosen(run: DetectorRun, images: Sequence[str | Path]) -> Images:
    """Return other images, or the run's own that nothing was chosen by."""
    if not images:
        data = run.data()
        run.check_manifest(data)
        return validation_shares(data, run.config.fit.splits_validation)[1]
    paths = list(iter_images(images))
    manifest = Manifest.read(run.path / MANIFEST)
    trained, anomalous = manifest.trained, manifest.anomalous
    hashes = {path: content_sha256(path) for path in paths}
    if learnt := [path for path, own in hashes.items() if own in trained]:
        raise RunError(
            f"{len(learnt)} of {len(paths)} images were trained on, first {learnt[0]}: a threshold "
            "set on them would promise too much; give normal images that the training never saw"
        )
    if defects := [path for path, own in hashes.items() if own in anomalous]:
        raise RunError(
            f"{len(defects)} of {len(paths)} images are defects of the run's data set, first "
            f"{defects[0]}: a threshold set on them would let their like pass; give normal images"
        )
    return paths
