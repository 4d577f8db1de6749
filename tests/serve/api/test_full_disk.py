"""A disk that is full or fails: the client is told, nothing unlogged counts as decided."""

import resource

import pytest
from pictures_sent import files, png
from sqlalchemy import event

SCORE = "/v1/models/parts/score"


def ids(answers) -> list[str]:
    return [row["id"] for answer in answers for row in answer.json()["decisions"]]


def test_a_full_disk_answers_507_and_no_decision_is_lost(client, service):
    first = client.post(SCORE, files=files(png()))

    def small(connection, record):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 1}")

    event.listen(service.log.engine, "connect", small)
    service.log.engine.dispose()
    answers = [client.post(SCORE, files=files(*[png()] * 40)) for _ in range(4)]
    full = answers[-1]
    assert full.status_code == 507
    assert "free space" in full.json()["detail"]
    assert int(full.headers["retry-after"]) > 0
    told = ids([first, *(answer for answer in answers if answer.status_code == 200)])
    event.remove(service.log.engine, "connect", small)
    service.log.engine.dispose()
    again = client.post(SCORE, files=files(png()))
    assert again.status_code == 200, "when there is room it goes on"
    logged = {each.decision.id for each in service.log.each()}
    assert {*told, *ids([again])} <= logged


@pytest.fixture
def no_growing_file():
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_failing_disk_answers_503(client, service, no_growing_file):
    refused = client.post(SCORE, files=files(png()))
    assert refused.status_code == 503, refused.text
    assert "the log at" in refused.json()["detail"]
    assert service.log.count() == 0
