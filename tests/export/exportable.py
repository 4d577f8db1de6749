"""What exports need, and what is exported besides the tiny detectors."""

from importlib.util import find_spec

import pytest

from hardsight.detectors import PatchGuard

VIT = {"name": "vit", "architecture": "vit_tiny_patch16_224", "patch_size": 14, "depth": 1}


def skip_without(*modules: str) -> None:
    missing = [m for m in ("onnx", "onnxscript", *modules) if find_spec(m) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: the extras onnx and openvino")


def patchguard() -> PatchGuard:
    return PatchGuard(VIT, image_size=28, k=2, precision="fp32", seed=3).eval()
