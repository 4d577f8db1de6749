"""Reports beside a run, by HTTP: those of the list and nothing else."""

import os
import shutil
from dataclasses import replace

import pytest

REPORTS = "/v1/models/parts/reports"


@pytest.fixture
def folder(service, tmp_path):
    """Two reports of the served run, in a copy of its folder."""
    model = service.models.get("parts")
    folder = shutil.copytree(model.reports, tmp_path / "reports")
    for i, (path, title) in enumerate((("audit/a.html", "Audit &amp; more"), ("e.html", None))):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(f"<title>{title}</title>" if title else "<p>no title")
        os.utime(folder / path, (i + 1, i + 1))
    service.models.replace(replace(model, reports=folder))
    return folder


def test_reports_are_listed_the_newest_first_with_their_titles(client, folder):
    found = client.get(REPORTS).json()
    assert [report["path"] for report in found] == ["e.html", "audit/a.html"]
    assert [report["title"] for report in found] == ["e", "Audit & more"]


def test_a_report_is_shown_and_runs_nothing(client, folder):
    answer = client.get(f"{REPORTS}/audit/a.html")
    assert answer.content == (folder / "audit/a.html").read_bytes()
    assert answer.headers["content-type"].startswith("text/html")
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_folder_and_a_link_to_nothing_are_no_reports(client, folder):
    (folder / "b.html").mkdir()
    (folder / "c.html").symlink_to("nowhere")
    assert [report["path"] for report in client.get(REPORTS).json()] == ["e.html", "audit/a.html"]


@pytest.mark.parametrize(
    "path", ["config.yaml", "none.html", "..%2f..%2flog.db", "audit/..%2fe.html", "%00"]
)
def test_nothing_else_is_shown(client, folder, path):
    answer = client.get(f"{REPORTS}/{path}")
    assert answer.status_code == 404
    assert answer.json()["detail"]
