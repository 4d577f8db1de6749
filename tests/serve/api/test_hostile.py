"""What no client may do: each refusal is named, nothing is logged, and the service goes on."""

import base64
import json
import struct
import zlib

import pytest
from broken_images import broken_images
from pictures_sent import files, png

SCORE, INFER = "/v1/models/parts/score", "/v2/models/parts/infer"
FORM = {"content-type": "multipart/form-data; boundary=x"}


def bomb(side: int) -> bytes:
    """A PNG whose header claims side x side pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)

    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    rows = zlib.compress(bytes(1000))
    parts = chunk(b"IHDR", header), chunk(b"IDAT", rows), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


WHOLE = png()
BROKEN = {
    "empty": b"",
    "text": b"no image at all",
    "truncated": WHOLE[: len(WHOLE) // 2],
    "header alone": WHOLE[:33],
    "flipped": WHOLE[:60] + bytes(b ^ 0xFF for b in WHOLE[60:]),
    "large by its header": bomb(60_000),
    "larger than the limit": bomb(7_000),
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "gif without frames": b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
}


@pytest.fixture
def nothing_logged(service):
    yield
    assert service.log.count() == 0
    assert service.scorer.alive
    assert service.scorer.line.unanswered == 0


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_image_is_named_and_its_neighbour_is_not_decided(client, nothing_logged, name):
    answer = client.post(SCORE, files=files(WHOLE, BROKEN[name]))
    assert answer.status_code == 422, answer.text
    assert "1.png" in answer.json()["detail"]


def test_every_cut_of_an_image_is_refused_or_decided(client):
    for end in range(1, len(WHOLE), 37):
        assert client.post(SCORE, files=files(WHOLE[:end])).status_code in (200, 422), end


@pytest.mark.parametrize("count", [70, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_corpus_of_broken_images_is_refused_by_name_or_decided(client, service, count):
    decided = 0
    for i, data in enumerate(broken_images(count)):
        answer = client.post(SCORE, files=[("images", (f"{i}.png", data, "image/png"))])
        assert answer.status_code in (200, 422), (i, answer.text)
        if answer.status_code == 422:
            assert f"{i}.png" in answer.json()["detail"]
        decided += answer.status_code == 200
    assert 0 < decided < count / 2
    assert service.log.count() == decided
    assert service.scorer.alive
    assert service.scorer.line.unanswered == 0


BODIES = {
    "no form": (b"nonsense", FORM, 400),
    "an endless field": (b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nabc', FORM, 422),
    "no boundary": (b"--x", {"content-type": "multipart/form-data"}, 400),
    "no media type": (WHOLE, {}, 415),
    "another media type": (WHOLE, {"content-type": "image/png"}, 415),
    "cut json": (b'{"images": [', {"content-type": "application/json"}, 422),
    "json of another kind": (b"[]", {"content-type": "application/json"}, 422),
    "no image in json": (b'{"images": []}', {"content-type": "application/json"}, 422),
    "no base64": (b'{"images": [{"data": "%"}]}', {"content-type": "application/json"}, 422),
    "deep json": (b"[" * 100_000, {"content-type": "application/json"}, 422),
    "no utf-8": (b'{"images": "\xff\xfe"}', {"content-type": "application/json"}, 422),
    "an unknown field": (b'{"image": []}', {"content-type": "application/json"}, 422),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_wrong_body_is_named(client, nothing_logged, name):
    body, headers, status = BODIES[name]
    answer = client.post(SCORE, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


def tensor(**changed) -> dict:
    return {"name": "images", "shape": [1, 3, 16, 16], "datatype": "FP32"} | changed


TENSORS = {
    "nan": tensor(data=[float("nan")] * 768),
    "infinity": tensor(data=[float("inf")] * 768),
    "out of range": tensor(data=[2.0] * 768),
    "too few": tensor(data=[0.5] * 767),
    "too many": tensor(data=[0.5] * 769),
    "words": tensor(data=["a"] * 768),
    "ragged": tensor(data=[[0.5], [0.5, 0.5]]),
    "nothing": tensor(data=[]),
    "another size": tensor(shape=[1, 3, 8, 8], data=[0.5] * 192),
    "a negative shape": tensor(shape=[-1, 3, 16, 16], data=[0.5]),
    "a huge shape": tensor(shape=[2**31, 2**31, 2**31, 2**31], data=[0.5]),
    "no image": tensor(shape=[0, 3, 16, 16], data=[]),
    "another type": tensor(datatype="INT64", data=[0] * 768),
    "bytes out of range": tensor(datatype="UINT8", data=[300] * 768),
    "no bytes": tensor(datatype="UINT8", data=[]),
    "files that are none": tensor(datatype="BYTES", shape=[1], data=["!!"]),
    "no data": tensor(),
}


@pytest.mark.parametrize("name", TENSORS)
def test_a_wrong_tensor_is_named(client, nothing_logged, name):
    body = json.dumps({"inputs": [TENSORS[name]]})
    answer = client.post(INFER, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]


@pytest.mark.parametrize("length", ["-1", "x", "99999999", "3", "\xb2", "9" * 5000])
def test_a_wrong_length_of_the_header_is_named(client, nothing_logged, length):
    header = {"inference-header-content-length": length.encode("latin-1")}
    answer = client.post(INFER, content=b"{}", headers=header)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models/none", 404),
        ("GET", "/v1/models/%2e%2e%2f%2e%2e", 404),
        ("GET", "/v1/decisions/none", 404),
        ("GET", "/v1/decisions/..%2f..%2flog.db/heat.png", 404),
        ("GET", "/v1/decisions?limit=100000", 422),
        ("GET", "/v1/decisions?since=yesterday", 422),
        ("GET", "/v1/decisions?since=2026-03-01T00:00:00", 422),
        ("GET", "/v1/decisions?since=0001-01-01T00:00:00%2B14:00", 422),
        ("GET", "/v1/decisions?after=99999999999999999999999", 422),
        ("POST", "/v1/models/parts/attack?eps=nan", 422),
        ("POST", "/v1/models/parts/attack?eps=9", 422),
        ("POST", "/v1/models/parts/certify?copies=100000", 422),
        ("PATCH", "/v1/models/parts/score", 405),
        ("GET", "/v9", 404),
    ],
)
def test_a_wrong_url_is_named(client, nothing_logged, method, path, status):
    answer = client.request(method, path, files=files(WHOLE) if method == "POST" else None)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


def test_a_source_is_logged_in_printable_characters(client, service):
    form = [("images", ("a\u202e\n<b>" + "x" * 999, WHOLE, "image/png"))]
    assert client.post(SCORE, files=form).status_code == 200
    source = service.log.read()[0].decision.source
    assert source.isprintable()
    assert len(source) <= 300


def test_so_is_that_of_a_tensor(client, service):
    asked = {"id": "a\0\u202e" + "x" * 999, "inputs": [tensor(data=[0.5] * 768)]}
    assert client.post(INFER, json=asked).status_code == 200
    assert service.log.read()[0].decision.source == "a??" + "x" * 297


def test_base64_of_a_broken_image_is_named(client, nothing_logged):
    body = {"images": [{"data": base64.b64encode(WHOLE[:50]).decode(), "source": "cam"}]}
    answer = client.post(SCORE, json=body)
    assert answer.status_code == 422
    assert "cam" in answer.json()["detail"]
