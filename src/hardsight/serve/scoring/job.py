"""One image on its way through a model, and what comes of it."""

from concurrent.futures import Future
from dataclasses import dataclass, field

from torch import Tensor

from hardsight.data.images import Window, within
from hardsight.reports.pictures import heat_layer
from hardsight.serve.decision import Decision
from hardsight.serve.models import ServedModel
from hardsight.serve.models.served import Arrival


@dataclass(frozen=True)
class Answer:
    """A decision that is on disk."""

    decision: Decision
    anomaly_map: Tensor
    """(H, W)."""


@dataclass(frozen=True, eq=False)
class Job:
    """An image that was accepted for a model."""

    model: ServedModel
    image: Tensor
    """(3, H, W) of the model's size, in [0, 1]."""
    arrival: Arrival
    window: Window | None = None
    """Where the picture lies among pixels repeated beside it; None: it fills the size."""
    answer: "Future[Answer]" = field(default_factory=Future)

    def heat(self, anomaly_map: Tensor) -> bytes:
        """Draw a map (H, W) to be laid over the picture alone: PNG bytes."""
        threshold = self.model.calibration.map_threshold
        return heat_layer(within(anomaly_map, self.window), threshold)


@dataclass(frozen=True)
class Scored:
    """A batch that was scored and waits for the disk."""

    jobs: list[Job]
    answers: list[Answer]
