"""The run folder: everything a fitted detector or classifier is, and all that made it."""

from hardsight.runs.run import Run, RunError

__all__ = [
    "Run",
    "RunError",
]
