from importlib.metadata import metadata
from importlib.util import find_spec

from hardsight.core.installed import PURPOSES, extras


def test_every_declared_extra_has_a_purpose_and_says_what_it_lacks():
    declared = set(metadata("hardsight").get_all("Provides-Extra"))
    assert declared - {"dev", "docs"} <= set(PURPOSES)
    found = {extra.name: extra for extra in extras()}
    assert {"onnx", "openvino", "video", "gradcam", "anomalib"} <= set(found) <= set(PURPOSES)
    assert ("captum" in found["gradcam"].missing) == (find_spec("captum") is None)
    assert ("onnxruntime" in found["onnx"].missing) == (find_spec("onnxruntime") is None)
    assert found["video"].install == "pip install 'hardsight[video]'"
    assert all(extra.purpose for extra in found.values())
