"""``/v1/models/{name}/reports``: what evaluations, audits and certificates of a run say."""

from fastapi import APIRouter, Response

from hardsight.serve.reports import Report, read_report, reports
from hardsight.serve.service import Service

HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def report_routes(service: Service) -> APIRouter:
    """Return the routes of reports."""
    routes = APIRouter(prefix="/v1/models", tags=["reports"])

    @routes.get("/{name}/reports")
    def list_reports(name: str) -> list[Report]:
        """List the reports beside a run, the newest first."""
        return reports(service.models.get(name).reports)

    @routes.get("/{name}/reports/{path:path}", response_class=Response)
    def show_report(name: str, path: str) -> Response:
        """Show a report, as a page that runs nothing."""
        content = read_report(service.models.get(name).reports, path)
        return Response(content, media_type="text/html; charset=utf-8", headers=HEADERS)

    return routes
