"""The log by HTTP: pages, CSV, feedback, thresholds and drift."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from records import NOON, decisions

from hardsight.evaluation.drift import ONCE_IN, DriftMonitor
from hardsight.serve.log import Query


@pytest.fixture
def rows(service):
    model = service.models.get("parts")
    made = decisions(25, model_hash=model.hash)
    service.log.append(made)
    return made


def test_pages_go_back_from_the_newest(client, rows):
    first = client.get("/v1/decisions", params={"limit": 10}).json()
    assert first["total"] == 25
    assert [d["id"] for d in first["decisions"]] == [r.id for r in rows[:14:-1]]
    second = client.get("/v1/decisions", params={"limit": 20, "before": first["beyond"]}).json()
    assert [d["id"] for d in second["decisions"]] == [r.id for r in rows[14::-1]]
    assert second["beyond"] is None


def test_filters_are_those_of_the_log(client, service, rows):
    found = client.get("/v1/decisions", params={"label": True, "source": "camera-1"}).json()
    assert found["total"] == service.log.count(Query(label=True, source="camera-1")) > 0
    none = client.get("/v1/decisions", params={"since": "2030-01-01T00:00:00Z"}).json()
    assert none == {"total": 0, "decisions": [], "beyond": None}


def test_feedback_is_shown_beside_its_decision(client, rows):
    path = f"/v1/decisions/{rows[3].id}"
    said = client.post(f"{path}/feedback", json={"anomalous": False, "note": "dust"})
    assert said.status_code == 201
    shown = client.get("/v1/decisions", params={"judged": True}).json()["decisions"]
    assert [(d["id"], d["feedback"]) for d in shown] == [(rows[3].id, [said.json()])]
    assert client.get(path).json()["label"] is rows[3].label
    unknown = client.post("/v1/decisions/none/feedback", json={"anomalous": False})
    assert unknown.status_code == 404
    assert client.post(f"{path}/feedback", json={"anomalous": "maybe"}).status_code == 422


def test_csv_has_every_decision_and_opens_in_a_spreadsheet(client, service, rows):
    risky = replace(rows[0], id="f" * 36, source="=1+1")
    service.log.append([risky])
    client.post(f"/v1/decisions/{rows[1].id}/feedback", json={"anomalous": True})
    answer = client.get("/v1/decisions.csv", params={"newest_first": False, "limit": 7})
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in table] == [row.id for row in [*rows, risky]]
    assert float(table[5]["score"]) == rows[5].score
    assert [row["truth"] for row in table[:3]] == ["", "True", ""]
    assert table[-1]["source"] == "'=1+1"


def test_a_threshold_from_feedback_is_in_force_at_once(client, service, rows):
    asked = {"since": NOON.isoformat(), "level": 0.1}
    refused = client.post("/v1/models/parts/recalibrate", json=asked)
    assert refused.status_code == 409
    for row in rows:
        if row.label:
            service_path = f"/v1/decisions/{row.id}/feedback"
            assert client.post(service_path, json={"anomalous": False}).status_code == 201
    made = client.post("/v1/models/parts/recalibrate", json=asked)
    assert made.status_code == 201, made.text
    assert client.get("/v1/models/parts/thresholds").json() == [made.json()]
    shown = client.get("/v1/models/parts").json()
    assert (shown["threshold_version"], shown["threshold"]) == (1, made.json()["threshold"])
    assert shown["threshold"] == sorted(row.score for row in rows)[-2]
    zoneless = client.post("/v1/models/parts/recalibrate", json={"since": "2026-03-01T00:00:00"})
    assert zoneless.status_code == 422
    nowhere = {"since": "9999-12-31T23:59:59-14:00"}
    assert client.post("/v1/models/parts/recalibrate", json=nowhere).status_code == 422


def test_drift_is_that_of_scores_and_pictures_in_their_order(client, service, rows):
    references = service.models.get("parts").references
    assert set(references) == {"score", "brightness", "contrast", "sharpness"}
    values = {name: [getattr(row, name) for row in rows] for name in references}
    expected = DriftMonitor(references, ONCE_IN).add(values)
    first = client.get("/v1/models/parts/drift").json()
    for name, watched in expected.items():
        shown = first["streams"][name]
        assert shown["evidence"] == pytest.approx(watched.evidence.tolist(), rel=1e-3)
        assert shown["alarms"] == np.flatnonzero(watched.alarms).tolist()
    assert (first["parts"], first["once_in"]) == (25, ONCE_IN)
    service.log.append(decisions(2, model_hash=rows[0].model_hash))
    assert client.get("/v1/models/parts/drift").json()["parts"] == 27
    text = client.get("/metrics").text
    assert 'hardsight_drift_evidence{model="parts",stream="brightness"}' in text


def test_metrics_tell_no_drift_of_a_model_that_is_served_no_more(client, rows):
    told = 'hardsight_drift_evidence{model="parts"'
    assert told in client.get("/metrics").text
    client.delete("/v1/models/parts")
    assert told not in client.get("/metrics").text


def test_decisions_that_know_nothing_of_the_picture_are_no_evidence(client, service, rows):
    older = decisions(3, model_hash=rows[0].model_hash, brightness=None)
    service.log.append(older)
    assert client.get("/v1/models/parts/drift").json()["parts"] == 25
