"""Evaluation: clean, attacked, drawn and written down."""

from hardsight.evaluation.plans import PLANS, AttackPlan, build_plan
from hardsight.evaluation.protocol import evaluate
from hardsight.evaluation.report import write_html, write_json, write_markdown
from hardsight.evaluation.results import Budget, Estimate, Evaluation, GalleryItem, Row

__all__ = [
    "PLANS",
    "AttackPlan",
    "Budget",
    "Estimate",
    "Evaluation",
    "GalleryItem",
    "Row",
    "build_plan",
    "evaluate",
    "write_html",
    "write_json",
    "write_markdown",
]
