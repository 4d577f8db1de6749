from typing import Any

from hardsight.detectors import CFlow, FastFlow

SMALL: dict[str, Any] = {
    "backbone": {"weights": "random", "taps": [0, 1]},
    "image_size": 32,
    "blocks": 2,
    "sigma": 1.0,
    "precision": "fp32",
}


def tiny_fastflow(**settings) -> FastFlow:
    """An untrained FastFlow of 32 x 32 pixels on a random network."""
    return FastFlow(**SMALL | settings).eval()


def tiny_cflow(**settings) -> CFlow:
    """The same of a CFlow."""
    return CFlow(**SMALL | settings).eval()
