"""Evaluation: clean, attacked, drawn and written down."""

from hardsight.evaluation.protocol import evaluate
from hardsight.evaluation.report import write_html, write_json, write_markdown
from hardsight.evaluation.results import Budget, Estimate, Evaluation, GalleryItem, Row

__all__ = [
    "Budget",
    "Estimate",
    "Evaluation",
    "GalleryItem",
    "Row",
    "evaluate",
    "write_html",
    "write_json",
    "write_markdown",
]
