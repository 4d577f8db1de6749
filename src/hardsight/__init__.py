"""Visual anomaly detection that holds up under attack, and the honest measurement of it.

>>> from hardsight import AdvRAD, evaluate, load, write_html
>>> data = load("photos/bottle")  # doctest: +SKIP
>>> detector = AdvRAD().fit(data)  # doctest: +SKIP
>>> detector.predict(data.test.images()).pred_score  # doctest: +SKIP
>>> write_html(evaluate(detector, data, eps="2/255"), "report.html")  # doctest: +SKIP
"""

from importlib.metadata import version

from hardsight.data import load, textures
from hardsight.detectors import AdvRAD, Detector, Selection
from hardsight.evaluation import evaluate, write_html, write_json, write_markdown
from hardsight.presets import load_preset
from hardsight.runs import Run
from hardsight.training import Settings
from hardsight.types import AttackResult, Detection

__version__ = version("hardsight")

__all__ = [
    "AdvRAD",
    "AttackResult",
    "Detection",
    "Detector",
    "Run",
    "Selection",
    "Settings",
    "evaluate",
    "load",
    "load_preset",
    "textures",
    "write_html",
    "write_json",
    "write_markdown",
]
