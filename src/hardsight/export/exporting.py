"""From a fitted detector to a folder that scores without torch's networks."""

import json
import shutil
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from hardsight.core.extras import needed
from hardsight.core.files import write_atomically
from hardsight.data import AnomalyData
from hardsight.detectors.base import Detector
from hardsight.detectors.evidence import Evidence, shares
from hardsight.detectors.saved import CALIBRATION_FILE, WEIGHTS_FILE
from hardsight.export.exported import ExportConfig, Exported
from hardsight.export.graph import OPSET, exportable, write_onnx
from hardsight.export.quantised import quantised
from hardsight.export.runtimes import OPENVINO, RUNTIMES, Hint
from hardsight.metrics import auroc

Format = Literal["onnx", "openvino"]
COMPARISON_FILE = "comparison.json"
ROUNDS = 7
"""In which the detector and its exports take turns to be timed."""


@dataclass(frozen=True)
class Beside:
    """One of those compared, on the same images and noise."""

    auroc: float
    """Validation normals against synthetic defects."""
    seconds: float
    """An image scored alone, the median of turns, on this machine as busy as it is."""


def export(
    detector: Detector,
    data: AnomalyData,
    folder: str | Path,
    to: Format = "onnx",
    *,
    int8: bool = False,
    precision: Hint = "f32",
    selected: bool = True,
    seed: int = 0,
    extra: tuple[Path, ...] = (),
) -> tuple[Exported, dict[str, Beside]]:
    """Write a detector as a graph, calibrate the graph, and hold it against the detector.

    The threshold is set anew, on the held-out normals through the graph itself: its scores differ
    from the detector's by rounding, and by more once they are quantised. No test image is used.

    Args:
        detector: AdvRAD or PatchGuard, fitted.
        data: what it was fitted on.
        folder: to be written; an export in it is replaced, its folders (reports) are kept.
        to: "onnx" or "openvino".
        int8: quantise after training, see ``quantised``; needs "openvino".
        precision: what OpenVINO is told about what is not quantised.
        selected: whether the fit chose something on half of the held-out normals.
        seed: of noise and synthetic defects.
        extra: files copied along, where they are.

    Returns:
        The exported detector, and name -> how the detector and its exports compare, which the
        folder keeps as ``comparison.json``.

    Raises:
        ImportError: what the format needs is not installed.
        TypeError, ValueError: a detector that has no graph, options that do not go together, or a
            folder that holds something else.
    """
    exportable(detector)
    if to == "onnx" and (int8 or precision != "f32"):
        raise ValueError(f'to="onnx" takes int8=False and precision="f32", got {int8}, {precision}')
    place = Path(folder)
    if (place / WEIGHTS_FILE).exists() or (
        place.exists() and any(place.iterdir()) and not Exported.is_at(place)
    ):
        raise ValueError(f"{place} holds something other than an export; name another folder")
    place.parent.mkdir(parents=True, exist_ok=True)
    level = detector.calibration.level if detector.calibration else None
    choosing, calibrating = shares(data.validation.images(), selected)
    with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as work:
        made = Path(work) / "export"
        rivals: dict[str, Detector] = {f"torch {_precision(detector)}": detector}
        if to == "onnx":
            made.mkdir()
            write_onnx(detector, made / RUNTIMES["onnx"][0])
        else:
            graph = _openvino_graph(detector, Path(work) / "graph.onnx")
            if int8:
                plain = Path(work) / "plain"
                _write_openvino(graph, plain)
                _config(detector, to, False, "f32").write(plain)
                for hint in ("f32", "bf16"):
                    rivals[f"openvino {hint}"] = Exported(plain, hint)
                graph = quantised(graph, detector, data.train.images(), seed)
            _write_openvino(graph, made)
        config = _config(detector, to, int8, precision)
        config.write(made)
        found = Exported(made)
        found = found.calibrate(calibrating, level)
        calibration = replace(found.demand_calibration(), bits=detector.bits)
        calibration.write(made / CALIBRATION_FILE)
        rivals[f"{to} {'int8 ' if int8 else ''}{precision}"] = found
        compared = compare(rivals, choosing, seed)
        figures = {name: asdict(c) for name, c in compared.items()}
        write_atomically(made / COMPARISON_FILE, json.dumps(figures, indent=1) + "\n")
        for path in extra:
            if path.is_file():
                shutil.copy(path, made / path.name)
        if place.exists():
            for kept in filter(Path.is_dir, place.iterdir()):
                shutil.copytree(kept, made / kept.name)
            shutil.rmtree(place)
        made.rename(place)
    return Exported(place), compared


def compare(detectors: dict[str, Detector], normals: Tensor, seed: int = 0) -> dict[str, Beside]:
    """Return AUROC and speed of each, all on the same images and noise, timed in turns.

    Args:
        detectors: by name.
        normals: (M, 3, H, W) uint8, held out of training, M >= 2.
        seed: of noise and synthetic defects.
    """
    evidence = Evidence().evidence(normals, seed)
    labels = evidence.labels.numpy()
    found = {}
    for name, detector in detectors.items():
        generator = torch.Generator(detector.device).manual_seed(seed)
        scores = detector.predict(evidence.images, generator).pred_score
        found[name] = auroc(scores.double().numpy(), labels)
    one, times = evidence.images[:1], {name: list[float]() for name in detectors}
    for _ in range(ROUNDS):
        for name, detector in detectors.items():
            begun = time.perf_counter()
            detector.predict(one, torch.Generator(detector.device).manual_seed(seed))
            times[name].append(time.perf_counter() - begun)
    return {name: Beside(found[name], statistics.median(t)) for name, t in times.items()}


def _config(detector: Detector, to: Format, int8: bool, precision: Hint) -> ExportConfig:
    noise = detector.sample_noise(torch.zeros(1, 3, *detector.size), torch.Generator())
    return ExportConfig(
        format=to,
        method=type(detector).__name__,
        opset=OPSET,
        image_size=detector.image_size,
        noise=None if noise is None else tuple(noise.shape[1:]),
        draws=detector.draws,
        paper=detector.paper,
        int8=int8,
        precision=precision,
        detector=detector.settings,
    )


def _openvino_graph(detector: Detector, path: Path) -> Any:
    openvino = needed("openvino", OPENVINO)
    write_onnx(detector, path)
    return openvino.convert_model(str(path))


def _write_openvino(graph: Any, folder: Path) -> None:
    folder.mkdir()
    path = folder / RUNTIMES["openvino"][0]
    needed("openvino", OPENVINO).save_model(graph, str(path), compress_to_fp16=False)


def _precision(detector: Detector) -> str:
    return {"fp32": "f32"}.get(name := str(getattr(detector, "precision", "f32")), name)
