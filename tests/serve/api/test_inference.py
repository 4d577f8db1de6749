"""The open inference protocol: the same decisions, in JSON and in its binary extension."""

import base64
import json

import numpy as np
import pytest
from pictures_sent import files, png, saved
from PIL import Image

MODEL = "/v2/models/parts"


@pytest.fixture(scope="module")
def images():
    return [png(i, spot=i == 1) for i in range(3)]


@pytest.fixture
def tensor(images, tmp_path):
    pixels = [np.asarray(Image.open(p)) for p in saved(tmp_path, images)]
    return (np.stack(pixels).transpose(0, 3, 1, 2) / np.float32(255)).astype("<f4")


@pytest.fixture
def scores(client, images):
    rows = client.post("/v1/models/parts/score", files=files(*images)).json()["decisions"]
    return [row["score"] for row in rows]


def outputs(answer) -> dict:
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()["outputs"]}


def test_health_and_metadata(client):
    assert client.get("/v2").json()["extensions"] == ["binary_tensor_data"]
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get(f"{MODEL}/ready").json()["ready"]
    described = client.get(f"{MODEL}/versions/1").json()
    assert described["inputs"][0]["shape"] == [-1, 3, 16, 16]
    assert client.get("/v2/models/none").json() == {
        "error": "no model 'none' is served; served are: parts"
    }


def test_floats_and_bytes_in_json(client, tensor, scores):
    given = {"name": "x", "shape": list(tensor.shape), "datatype": "FP32"}
    floats = client.post(f"{MODEL}/infer", json={"inputs": [given | {"data": tensor.tolist()}]})
    np.testing.assert_allclose(outputs(floats)["pred_score"]["data"], scores, rtol=1e-5)
    assert "anomaly_map" not in outputs(floats)
    whole = np.round(tensor * 255).astype(int).ravel().tolist()
    asked = {"id": "7", "inputs": [given | {"datatype": "UINT8", "data": whole}]}
    eight = client.post(f"{MODEL}/versions/1/infer", json=asked)
    np.testing.assert_allclose(outputs(eight)["pred_score"]["data"], scores, rtol=1e-5)
    assert eight.json()["id"] == "7"


def test_image_files_in_base64(client, images, scores):
    data = [base64.b64encode(image).decode() for image in images]
    given = {"name": "x", "shape": [3], "datatype": "BYTES", "data": data}
    answer = client.post(f"{MODEL}/infer", json={"inputs": [given]})
    np.testing.assert_allclose(outputs(answer)["pred_score"]["data"], scores, rtol=1e-6)


def test_binary_tensors_both_ways(client, tensor, scores):
    size = {"binary_data_size": tensor.nbytes}
    given = {"name": "x", "shape": list(tensor.shape), "datatype": "FP32", "parameters": size}
    wanted = [
        {"name": "pred_label"},
        {"name": "pred_score", "parameters": {"binary_data": True}},
        {"name": "anomaly_map", "parameters": {"binary_data": True}},
    ]
    head = json.dumps({"inputs": [given], "outputs": wanted}).encode()
    answer = client.post(
        f"{MODEL}/infer",
        content=head + tensor.tobytes(),
        headers={"inference-header-content-length": str(len(head))},
    )
    length = int(answer.headers["inference-header-content-length"])
    told = {each["name"]: each for each in json.loads(answer.content[:length])["outputs"]}
    found, maps = answer.content[length:][:24], answer.content[length + 24 :]
    assert told["pred_score"]["parameters"] == {"binary_data_size": 24}
    np.testing.assert_allclose(np.frombuffer(found, "<f8"), scores, rtol=1e-5)
    assert len(told["pred_label"]["data"]) == 3
    assert np.frombuffer(maps, "<f4").reshape(told["anomaly_map"]["shape"]).shape == (3, 1, 16, 16)


def test_decisions_are_in_the_log_under_their_source(client, service, tensor):
    given = {"name": "x", "shape": [1, 3, 16, 16], "datatype": "FP32"}
    asked = {"parameters": {"source": "press-3"}, "inputs": [given | {"data": tensor[0].tolist()}]}
    outputs(client.post(f"{MODEL}/infer", json=asked))
    assert [each.decision.source for each in service.log.read()] == ["press-3"]


def test_an_output_that_there_is_not_is_named(client, tensor):
    given = {"name": "x", "shape": [1, 3, 16, 16], "datatype": "FP32", "data": tensor[0].tolist()}
    answer = client.post(f"{MODEL}/infer", json={"inputs": [given], "outputs": [{"name": "logit"}]})
    assert answer.status_code == 400
    assert "there are: pred_score" in answer.json()["error"]
