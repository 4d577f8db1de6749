"""What attackers maximise: functions from images to one number per image."""

from hardsight.attacks.objectives.score import SURROGATES, ScoreObjective, Surrogate

__all__ = ["SURROGATES", "ScoreObjective", "Surrogate"]
