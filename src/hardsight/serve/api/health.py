"""Whether the service lives, whether it can score, and its measures."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from hardsight.serve.api.problems import Problem
from hardsight.serve.service import Service


def health_routes(service: Service) -> APIRouter:
    """Return the routes that watchmen ask."""
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz", response_class=PlainTextResponse)
    def live() -> str:
        """Answer while the threads that score and write run."""
        if not service.scorer.alive:
            raise Problem(503, "a thread of the service has ended; restart it")
        return "ok"

    @routes.get("/readyz", response_class=PlainTextResponse)
    def ready() -> str:
        """Answer when images can be scored and the log can be read."""
        if not service.ready:
            raise Problem(503, "no model is served")
        service.log.count()
        return "ready"

    @routes.get("/metrics", response_class=Response)
    def metrics() -> Response:
        """Return all measures for Prometheus."""
        service.measures.tell_drift(
            (model.name, name, stream.latest, len(stream.alarms))
            for model in service.models
            for name, stream in service.drift.of(model).streams.items()
        )
        return Response(service.measures.text(), media_type=CONTENT_TYPE_LATEST)

    return routes
