"""Every script under benchmarks/ can be imported with what is installed."""

from importlib import import_module
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[1] / "benchmarks").glob("*.py"))
OPTIONAL = {"anomalib", "cpuinfo", "nncf", "onnxruntime", "openvino"}
"""Packages of extras, which need not be installed."""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_benchmark_imports(script):
    try:
        import_module(script.stem)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in OPTIONAL:
            raise
        pytest.skip(f"needs {error.name}")
