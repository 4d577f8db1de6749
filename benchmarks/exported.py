"""One image at a time on the CPU: torch in bfloat16 and float32, compiled, onnxruntime, OpenVINO.

All on one trained run, in turns; each format is exported, calibrated on the run's held-out normals
and compared on validation normals and synthetic defects, so that a gain in speed has its price
beside it. Needs the extras onnx and openvino, and a C++ compiler for what torch compiles, which
takes minutes.

python benchmarks/exported.py [--run runs/benchmark/bottle]
"""

import argparse
import tempfile
from importlib.metadata import version
from pathlib import Path

import torch
from timing import record

from hardsight.detectors import Detector
from hardsight.detectors.held_out import shares
from hardsight.export import Exported, Target, compare, export
from hardsight.runs import open_detector_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="runs/benchmark/bottle")
    given = parser.parse_args()
    run = open_detector_run(given.run)
    half, data = run.opened("cpu")
    full = run.detector("cpu")
    half.precision, full.precision = "bf16", "fp32"
    compiled = run.detector("cpu")
    compiled.precision = "bf16"
    for network in compiled.networks:
        network.compile(dynamic=False)
    selected = run.config.fit.splits_validation
    choosing, _ = shares(data.validation.images(), selected)
    with tempfile.TemporaryDirectory() as work:
        places = {name: Path(work) / name for name in ("onnx", "openvino", "int8")}
        export(full, data, places["onnx"], selected=selected)
        export(full, data, places["openvino"], Target("openvino"), selected=selected)
        export(full, data, places["int8"], Target("openvino", int8=True), selected=selected)
        cases: dict[str, Detector] = {
            "torch bf16": half,
            "torch bf16, compiled": compiled,
            "torch f32": full,
            "onnxruntime f32": Exported(places["onnx"]),
            "openvino f32": Exported(places["openvino"]),
            "openvino bf16": Exported(places["openvino"], "bf16"),
            "openvino int8, else f32": Exported(places["int8"]),
            "openvino int8, else bf16": Exported(places["int8"], "bf16"),
        }
        compared = compare(cases, choosing)
    base = compared["torch bf16"].seconds
    figures: dict[str, object] = {}
    for name, found in compared.items():
        figures[f"{name}, ms an image"] = 1000 * found.seconds
        figures[f"{name} / torch bf16, rate"] = base / found.seconds
        figures[f"{name}, AUROC on synthetic defects"] = found.auroc
    figures["run"] = run.path.name
    figures |= {name: version(name) for name in ("onnxruntime", "openvino", "nncf")}
    record("exported", figures, torch.device("cpu"))


if __name__ == "__main__":
    main()
