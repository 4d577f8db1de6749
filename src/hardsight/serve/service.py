"""The service without its protocol: models, scorer, log and pictures, started and stopped."""

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from hardsight.core.threads import usable_cpus
from hardsight.data.images import within
from hardsight.reports.pictures import photo
from hardsight.serve.drift import DriftWatch
from hardsight.serve.limits import Limits
from hardsight.serve.log import InspectionLog
from hardsight.serve.log.pictures import PictureStore, Policy
from hardsight.serve.measures import Measures
from hardsight.serve.models import Models, Origin, ServedModel
from hardsight.serve.models.served import Arrival
from hardsight.serve.scoring import Answer, Job, Scorer

T = TypeVar("T")
DEFAULT_LIMITS, DEFAULT_POLICY = Limits(), Policy()


@dataclass(frozen=True)
class Place:
    """Where a service keeps what must outlast it."""

    log: str
    """See ``InspectionLog``."""
    pictures: Path
    """Folder of thumbnails and heat maps."""
    policy: Policy = DEFAULT_POLICY


class Service:
    """Models in front of a line; a context manager, which stops it.

    Args:
        origins: see ``Models``.
        place: of the log and the pictures.
        limits: of what it takes.
        device: where the models compute.

    Raises:
        LogError: the log cannot be opened.
        ModelError, RunError, BundleError: a run that cannot be served.
    """

    def __init__(
        self,
        origins: Iterable[Origin],
        place: Place,
        limits: Limits = DEFAULT_LIMITS,
        device: str = "auto",
    ) -> None:
        self.limits, self.measures = limits, Measures()
        self.log = InspectionLog(place.log)
        self.pictures = PictureStore(place.pictures, place.policy)
        self.drift = DriftWatch(self.log)
        self.models = Models(self.log, origins, device)
        self.scorer = Scorer(self.log, self._acknowledged, limits.waiting)
        self.scorer.batches = self.measures.batches.observe
        self.measures.waiting.set_function(lambda: self.scorer.line.unanswered)
        self.measures.picture_bytes.set_function(lambda: self.pictures.used)
        self._decoders = ThreadPoolExecutor(usable_cpus(), "hardsight-decode")
        """As few as there are CPUs, so that few large images are in memory at a time."""

    @property
    def ready(self) -> bool:
        """Whether it can score."""
        return self.scorer.alive and len(self.models) > 0

    def job(self, model: ServedModel, data: bytes, source: str) -> Job:
        """Decode an image file for a model.

        Raises:
            ImageError: it is none, or a larger one than is taken.
        """
        detector = model.detector
        sent = data, source or "image", self.limits.pixels
        image, window = detector.decoding.content(*sent), detector.decoding.window_in(*sent)
        return Job(model, image, Arrival(source, hashlib.sha256(data).hexdigest()), window)

    def decoding(self, work: Callable[[], T]) -> "Future[T]":
        """Do work that takes the CPU, and no network, in one of the decoders' threads."""
        return self._decoders.submit(work)

    def stop(self) -> None:
        """Finish what was accepted, then close the log."""
        self.scorer.stop()
        self._decoders.shutdown()
        self.log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _acknowledged(self, job: Job, answer: Answer) -> None:
        decision = answer.decision
        self.measures.decisions.labels(decision.model, decision.outcome).inc()
        if self.pictures.policy.wants(decision):
            thumbnail = photo(within(job.image, job.window), 256)
            heat = job.heat(answer.anomaly_map)
            self.pictures.write(decision.id, {"thumbnail.jpg": thumbnail, "heat.png": heat})
