"""From a fitted detector to a folder that scores without torch's networks."""

import json
import logging
import shutil
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import torch

from hardsight.core.extras import needed
from hardsight.core.files import write_atomically
from hardsight.core.folders import real_path
from hardsight.core.precision import resolve
from hardsight.data import AnomalyData
from hardsight.detectors.base import Detector
from hardsight.detectors.held_out import validation_shares
from hardsight.detectors.saved import CALIBRATION_FILE, WEIGHTS_FILE
from hardsight.export.comparison import Comparison, compare
from hardsight.export.config import ExportConfig
from hardsight.export.exported import Exported
from hardsight.export.graph import OPSET, demand_exportable, precision_of, write_onnx
from hardsight.export.quantised import write_quantised
from hardsight.export.runtimes import OPENVINO, RUNTIMES
from hardsight.export.target import Target

COMPARISON_FILE = "comparison.json"
LOSS = 0.01
"""AUROC that rounding to 8 bits may cost before a warning says so."""
_log = logging.getLogger(__name__)


def export(
    detector: Detector,
    data: AnomalyData,
    folder: str | Path,
    target: Target = Target(),  # noqa: B008 (frozen)
    *,
    selected: bool = True,
    seed: int = 0,
    extra: tuple[Path, ...] = (),
) -> tuple[Exported, dict[str, Comparison]]:
    """Write a detector as a graph, calibrate the graph, and compare it with the detector.

    The threshold is set anew, on the held-out normals through the graph itself: its scores differ
    from the detector's by rounding, and by more once they are quantised. No test image is used.

    Args:
        detector: fitted, and ``exportable``.
        data: what it was fitted on.
        folder: to be written; an export in it is replaced, all else that lies there is kept.
        target: format and precision.
        selected: whether the fit chose something on half of the held-out normals.
        seed: of the synthetic defects and the ranges of a quantised graph.
        extra: files copied along, where they are.

    Returns:
        The exported detector, and name -> how the detector and its exports compare, which the
        folder keeps as ``comparison.json``.

    Raises:
        ImportError: what the format needs is not installed.
        ValueError: a detector that has no graph, or a folder that holds something else.
    """
    demand_exportable(detector)
    if detector.calibration and detector.calibration.under:
        _log.warning(
            f"the threshold of the detector holds under {detector.calibration.under}; that of the "
            "export is set on held-out normals left alone"
        )
    place = real_path(folder)
    if (place / WEIGHTS_FILE).exists() or (
        place.exists() and any(place.iterdir()) and not Exported.is_at(place)
    ):
        raise ValueError(f"{place} holds something other than an export; name another folder")
    target.demand_installed()
    place.parent.mkdir(parents=True, exist_ok=True)
    level = detector.calibration.level if detector.calibration else None
    choosing, calibrating = validation_shares(data, selected)
    with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as work:
        made, plain = Path(work) / "export", Path(work) / "plain"
        rivals: dict[str, Detector] = {}
        if target.int8:
            _write(detector, replace(target, int8=False), plain)
            for precision in ("fp32", "bf16"):
                name = Target(target.format, precision=precision).name
                rivals[name] = Exported(plain, precision)
            made.mkdir()
            write_quantised(plain, made, detector, data.train.images(), seed)
            _config(detector, target).write(made)
        else:
            _write(detector, target, made)
        found = Exported(made).calibrate(calibrating, level)
        calibration = found.demand_calibration().decoded_as(detector.decoding)
        calibration.write(made / CALIBRATION_FILE)
        torch_name = f"torch {resolve(precision_of(detector), detector.device).name}"
        compared = compare({torch_name: detector} | rivals | {target.name: found}, choosing, seed)
        before, after = compared[torch_name].auroc, compared[target.name].auroc
        if target.int8 and after < before - LOSS:
            _log.warning(
                f"in 8 bits AUROC is {after:.3f} instead of {before:.3f}: this "
                f"{type(detector).__name__} does not bear it; export it with int8=False "
                "(leave --int8 out)"
            )
        figures = {name: asdict(c) for name, c in compared.items()}
        write_atomically(made / COMPARISON_FILE, json.dumps(figures, indent=1) + "\n")
        for path in filter(Path.is_file, extra):
            shutil.copy(path, made / path.name)
        if place.exists():
            _keep(place, made)
            place.rename(Path(work) / "before")
        made.rename(place)
    return Exported(place), compared


def _keep(before: Path, made: Path) -> None:
    """Copy what lies beside an export, as reports and tables, into the one that replaces it."""
    own = {name for runtime in RUNTIMES.values() for name in (runtime.file, runtime.weights)}
    for one in before.iterdir():
        if one.is_dir():
            shutil.copytree(one, made / one.name)
        elif one.name not in own and not (made / one.name).exists():
            shutil.copy2(one, made / one.name)


def _write(detector: Detector, target: Target, folder: Path) -> None:
    """Write the graph, not quantised, and ``config.json`` into a new folder."""
    folder.mkdir()
    graph = folder / RUNTIMES[target.format].file
    if target.format == "onnx":
        write_onnx(detector, graph)
    else:
        openvino = needed("openvino", OPENVINO, "an export to OpenVINO")
        traced = folder / "graph.onnx"
        write_onnx(detector, traced)
        openvino.save_model(openvino.convert_model(str(traced)), str(graph), compress_to_fp16=False)
        traced.unlink()
    _config(detector, target).write(folder)


def _config(detector: Detector, target: Target) -> ExportConfig:
    noise = detector.sample_noise(torch.zeros(1, 3, *detector.size), torch.Generator())
    return ExportConfig(
        method=type(detector).__name__,
        opset=OPSET,
        image_size=detector.image_size,
        noise=None if noise is None else tuple(noise.shape[1:]),
        noise_seed=detector.noise_seed,
        draws=detector.draws,
        paper=detector.paper,
        detector=detector.settings,
        **asdict(target),
    )
