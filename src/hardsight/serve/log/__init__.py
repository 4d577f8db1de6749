"""The inspection log: append-only, on disk before anybody is told, in SQLite or PostgreSQL."""

from hardsight.serve.log.errors import LogError, UnknownDecisionError
from hardsight.serve.log.inspection import InspectionLog, Logged
from hardsight.serve.log.query import Query

__all__ = ["InspectionLog", "LogError", "Logged", "Query", "UnknownDecisionError"]
