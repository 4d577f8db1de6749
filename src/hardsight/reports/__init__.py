"""The pages of evaluations, audits and certificates: HTML, Markdown, JSON."""

from hardsight.reports.certificate import (
    write_certificate_html,
    write_certificate_json,
    write_certificate_markdown,
)
from hardsight.reports.detector import write_html, write_json, write_markdown

__all__ = [
    "write_certificate_html",
    "write_certificate_json",
    "write_certificate_markdown",
    "write_html",
    "write_json",
    "write_markdown",
]
