"""The application: all routes, behind the guard."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from hardsight.serve.api.guard import LOCAL, Guard
from hardsight.serve.api.health import health_routes
from hardsight.serve.api.inference import inference_routes
from hardsight.serve.api.page import PAGE, page_routes
from hardsight.serve.api.probing import probe_routes
from hardsight.serve.api.problems import explain_errors
from hardsight.serve.api.records import record_routes
from hardsight.serve.api.reports import report_routes
from hardsight.serve.api.scoring import model_routes
from hardsight.serve.service import Service
from hardsight.serve.tokens import Tokens

ABOUT = """Visual anomaly detection in front of a line.

A decision is acknowledged only when it is in the inspection log on disk. Errors are
`application/problem+json` (RFC 9457); a full line answers 429 with `Retry-After`."""

ROUTES = (
    health_routes, model_routes, probe_routes, record_routes, report_routes, inference_routes,
)  # fmt: skip


def build_app(
    service: Service, tokens: Tokens | None = None, hosts: Sequence[str] = LOCAL
) -> ASGIApp:
    """Return the application of a service, which it stops when the server does.

    Args:
        service: running.
        tokens: what opens the interface; None: this machine alone may use it, without any.
        hosts: names under which it may be called where there are no tokens.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await anyio.to_thread.run_sync(service.stop)

    app = FastAPI(
        title="hardsight", version=version("hardsight"), description=ABOUT, lifespan=lifespan,
        docs_url=None, redoc_url=None,
    )  # fmt: skip
    for routes in ROUTES:
        app.include_router(routes(service))
    app.include_router(page_routes())
    app.mount("/page", StaticFiles(directory=PAGE))
    explain_errors(app, service.measures)
    return Guard(app, service.limits, service.measures, tokens, hosts)
