"""The benchmark: plans that re-run the papers' tables, and one record a measurement."""

from hardsight.benchmark.carrying_out import Outcome, carry_out
from hardsight.benchmark.entry import Entry, entries, schema
from hardsight.benchmark.estimate import START_UP, Estimate, estimate
from hardsight.benchmark.job import Job, Places
from hardsight.benchmark.measuring import Measurement
from hardsight.benchmark.plan import Plan, plan_names
from hardsight.benchmark.site import write_site
from hardsight.benchmark.verification import Agreement, verify
from hardsight.core.engine import Workers
from hardsight.runs.trying import Watch

__all__ = [
    "START_UP",
    "Agreement",
    "Entry",
    "Estimate",
    "Job",
    "Measurement",
    "Outcome",
    "Places",
    "Plan",
    "Watch",
    "Workers",
    "carry_out",
    "entries",
    "estimate",
    "plan_names",
    "schema",
    "verify",
    "write_site",
]
