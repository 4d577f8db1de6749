"""Decisions by HTTP: the scores of plain scoring, in the log before they are told."""

import base64
import hashlib
import io

import numpy as np
import pytest
from pictures_sent import files, png, saved
from PIL import Image

from hardsight.runs import open_detector_run
from hardsight.serve.log import Query

SCORE = "/v1/models/parts/score"


@pytest.fixture(scope="module")
def images():
    return [png(i, spot=i % 2 == 1) for i in range(5)]


@pytest.fixture
def expected(served_run, images, tmp_path):
    detector = open_detector_run(served_run).deciding("cpu")
    found = detector.decide(saved(tmp_path, images))
    calibration = detector.demand_calibration()
    return found, calibration


def test_scores_p_values_and_labels_are_those_of_plain_scoring(client, images, expected):
    found, calibration = expected
    answer = client.post(SCORE, files=files(*images), params={"source": "camera-1"})
    assert answer.status_code == 200, answer.text
    rows = answer.json()["decisions"]
    scores = found.pred_score.double().numpy()
    np.testing.assert_allclose([r["score"] for r in rows], scores, rtol=1e-5)
    np.testing.assert_allclose([r["p_value"] for r in rows], calibration.p_values(scores))
    assert [r["label"] for r in rows] == found.pred_label.tolist()
    assert {r["threshold"] for r in rows} == {calibration.threshold}
    assert [r["image"] for r in rows] == [hashlib.sha256(i).hexdigest() for i in images]
    assert [r["source"] for r in rows] == [f"camera-1/{i}.png" for i in range(5)]
    assert all(r["heat_map"] is None for r in rows)


def test_what_is_told_is_in_the_log(client, service, images):
    rows = client.post(SCORE, files=files(*images)).json()["decisions"]
    assert [each.decision.id for each in service.log.read()] == [row["id"] for row in rows]
    assert service.log.count(Query(model="parts", model_hash=rows[0]["model_hash"])) == 5


def test_json_says_the_same_as_a_form(client, images):
    form = client.post(SCORE, files=files(*images)).json()["decisions"]
    body = {"images": [{"data": base64.b64encode(i).decode(), "source": "s"} for i in images]}
    json = client.post(SCORE, json=body).json()["decisions"]
    assert [r["score"] for r in json] == [r["score"] for r in form]
    assert {r["source"] for r in json} == {"s"}


def test_a_heat_map_is_a_png_to_be_laid_over_the_image(client, images):
    row = client.post(SCORE, files=files(images[1]), params={"heat_map": True}).json()
    heat = base64.b64decode(row["decisions"][0]["heat_map"])
    with Image.open(io.BytesIO(heat)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (16, 16))


def test_pictures_are_kept_and_found_by_the_id(client, service, images):
    row = client.post(SCORE, files=files(images[1])).json()["decisions"][0]
    service.scorer.stop()  # pictures come after the answer
    for name, kind in (("thumbnail.jpg", "image/jpeg"), ("heat.png", "image/png")):
        picture = client.get(f"/v1/decisions/{row['id']}/{name}")
        assert picture.status_code == 200
        assert picture.headers["content-type"] == kind
        Image.open(io.BytesIO(picture.content)).verify()


def test_a_model_is_shown_with_what_its_threshold_was_set_on(client, expected):
    _, calibration = expected
    shown = client.get("/v1/models/parts").json()
    assert shown["normal_scores"] == list(calibration.normal_scores)
    assert shown["statement"] == calibration.statement
    assert client.get("/v1/models").json() == [shown]


def test_a_model_is_replaced_and_removed(client, served_run):
    again = client.put("/v1/models/parts-2", json={"run": str(served_run)})
    assert again.status_code == 200, again.text
    assert {m["name"] for m in client.get("/v1/models").json()} == {"parts", "parts-2"}
    assert client.put("/v1/models/parts", json={}).status_code == 200
    assert client.delete("/v1/models/parts-2").status_code == 204
    gone = client.post("/v1/models/parts-2/score", files=files(png()))
    assert gone.status_code == 404
    assert "served are: parts" in gone.json()["detail"]


def test_a_run_elsewhere_is_not_loaded(client, tmp_path):
    refused = client.put("/v1/models/parts", json={"run": str(tmp_path / "elsewhere")})
    assert refused.status_code == 422
    assert "does not lie beside" in refused.json()["detail"]


def test_the_document_of_the_interface_has_examples(client):
    document = client.get("/openapi.json").json()
    body = document["paths"]["/v1/models/{name}/score"]["post"]["requestBody"]["content"]
    assert set(body) == {"multipart/form-data", "application/json"}
    assert document["components"]["schemas"]["Decided"]["examples"][0]["model"] == "parts"


def test_every_reference_of_the_document_is_resolved_and_every_body_is_described(client):
    document = client.get("/openapi.json").json()

    def references(node):
        if isinstance(node, dict):
            yield from [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            node = list(node.values())
        for each in node if isinstance(node, list) else []:
            yield from references(each)

    for reference in set(references(document)):
        found = document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
    for path, operations in document["paths"].items():
        if "post" in operations:
            assert "requestBody" in operations["post"], path
