"""Batches across requests: one thread computes, one writes the log, and the line has an end."""

from hardsight.serve.scoring.job import Answer, Job
from hardsight.serve.scoring.line import QueueFullError, StoppedError
from hardsight.serve.scoring.scorer import Scorer

__all__ = ["Answer", "Job", "QueueFullError", "Scorer", "StoppedError"]
