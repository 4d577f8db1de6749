"""Evaluation: clean, attacked, drawn and written down."""

from hardsight.evaluation.attack import attack
from hardsight.evaluation.estimate import estimate
from hardsight.evaluation.protocol import evaluate
from hardsight.evaluation.report import write_html, write_json, write_markdown
from hardsight.evaluation.results import Budget, Estimate, Evaluation, GalleryItem, Row

__all__ = [
    "Budget",
    "Estimate",
    "Evaluation",
    "GalleryItem",
    "Row",
    "attack",
    "estimate",
    "evaluate",
    "write_html",
    "write_json",
    "write_markdown",
]
