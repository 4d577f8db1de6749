"""Decisions that differ in what tests ask for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hardsight.serve.decision import Decision

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def decisions(n: int, **changed) -> list[Decision]:
    """n decisions a second apart, every third anomalous, of two cameras in turn."""
    made = [
        Decision(
            source=f"camera-{i % 2}/{i:04}.png",
            image=f"{i:064x}",
            score=0.1 * i,
            p_value=1 / (i + 1),
            label=i % 3 == 0,
            threshold=1.0,
            model="parts",
            model_hash="abc",
            brightness=0.4 + 0.001 * i,
            contrast=0.1,
            sharpness=0.02,
            time=NOON + timedelta(seconds=i),
        )
        for i in range(n)
    ]
    return [replace(each, **changed) for each in made]
