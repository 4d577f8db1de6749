"""The pages of evaluations, audits and certificates: HTML, Markdown, JSON."""

from hardsight.reports.forms import write_html, write_json, write_markdown, write_report

__all__ = ["write_html", "write_json", "write_markdown", "write_report"]
