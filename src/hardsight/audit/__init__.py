"""The audit: what a robust number must pass before it is printed without a warning."""

from hardsight.audit.budgets import BUDGETS, Budget
from hardsight.audit.checks import CHECKS
from hardsight.audit.protocol import audit
from hardsight.audit.results import Audit, Check, Plot

__all__ = [
    "BUDGETS",
    "CHECKS",
    "Audit",
    "Budget",
    "Check",
    "Plot",
    "audit",
]
