"""How long work tells of itself, to whoever listens."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


class Progress(Protocol):
    """What long work tells about itself; the command line draws bars of it."""

    def __call__(self, stage: str, done: int, total: int, info: str = "") -> None:
        """Hear that ``done`` of ``total`` units of ``stage`` are finished."""
        ...


@runtime_checkable
class PlannedProgress(Progress, Protocol):
    """A Progress that wants to know beforehand of what stages the work consists."""

    def plan(self, work: str, stages: Mapping[str, float | None]) -> None:
        """Hear of all that is to come, once.

        Args:
            work: what consists of the stages, e.g. "fit".
            stages: their names in order -> what each costs beside the others, in any unit; None:
                that is not known before it begins.
        """
        ...


def announce(progress: Progress, work: str, stages: Mapping[str, float | None]) -> None:
    """Tell of the stages of work before its first, see ``PlannedProgress``, if anybody listens."""
    if stages and isinstance(progress, PlannedProgress):
        progress.plan(work, stages)


def quiet(*told: object, **more: object) -> None:
    """Say nothing, whatever is told: who hears of work, as a Progress, where nobody does."""


def part_of(progress: Progress, before: int, whole: int) -> Progress:
    """Return who hears of a part of work of ``whole`` units, of which ``before`` are finished."""

    def told(stage: str, done: int, total: int, info: str = "") -> None:
        progress(stage, before + done, whole, info)

    return told
