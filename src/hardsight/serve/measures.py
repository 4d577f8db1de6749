"""What Prometheus is told."""

import threading
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
SIZES = (1, 2, 4, 8, 16)


class Measures:
    """Counters of one service, in a registry of its own: ``/metrics``."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        self.requests = Counter(
            "hardsight_requests", "Requests answered.", ["route", "status"], registry=own
        )
        self.seconds = Histogram(
            "hardsight_request_seconds",
            "From a request's arrival to its answer.",
            ["route"],
            buckets=SECONDS,
            registry=own,
        )
        self.decisions = Counter(
            "hardsight_decisions", "Decisions on disk.", ["model", "verdict"], registry=own
        )
        self.batches = Histogram(
            "hardsight_batch_images",
            "Images scored in one pass.",
            buckets=SIZES,
            registry=own,
        )
        self.waiting = Gauge(
            "hardsight_waiting_images", "Images accepted and not answered.", registry=own
        )
        self.log_failures = Counter(
            "hardsight_log_failures", "Requests refused since the log failed.", registry=own
        )
        self.picture_bytes = Gauge(
            "hardsight_picture_bytes", "Bytes that kept pictures take.", registry=own
        )
        self._telling = threading.Lock()
        self.drift = Gauge(
            "hardsight_drift_evidence",
            "Evidence of drift in shares of the limit: an alarm at 1.",
            ["model", "stream"],
            registry=own,
        )
        self.drift_alarms = Gauge(
            "hardsight_drift_alarms",
            "Alarms of drift of late.",
            ["model", "stream"],
            registry=own,
        )

    def tell_drift(self, streams: Iterable[tuple[str, str, float, int]]) -> None:
        """Tell of (model, stream, evidence, alarms), and of models served no more nothing."""
        found = list(streams)
        with self._telling:
            self.drift.clear()
            self.drift_alarms.clear()
            for model, stream, evidence, alarms in found:
                self.drift.labels(model, stream).set(evidence)
                self.drift_alarms.labels(model, stream).set(alarms)

    def text(self) -> bytes:
        """Return all in Prometheus's text format."""
        with self._telling:
            return generate_latest(self.registry)
