"""Tokens, hosts, origins and limits, before anything is read."""

import json
import socket
from dataclasses import asdict

import pytest
from pictures_sent import files, png
from starlette.testclient import TestClient

from hardsight.serve.app import build_app
from hardsight.serve.limits import Limits
from hardsight.serve.models import Origin
from hardsight.serve.service import Service
from hardsight.serve.tokens import Token, TokenError, Tokens

SCORE = "/v1/models/parts/score"


def open_client(service, tokens=None, **changed):
    return TestClient(build_app(service, tokens), base_url="http://127.0.0.1", **changed)


@pytest.fixture
def token_file(tmp_path):
    return tmp_path / "tokens.json"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_without_the_token_nothing_but_health_and_the_page_is_open(service, token_file):
    token = Tokens.make(token_file)
    client = open_client(service, Tokens(token_file))
    for path in ("/v1/models", "/v1/decisions", "/metrics", "/openapi.json", "/v2/models/parts"):
        refused = client.get(path)
        assert refused.status_code == 401, path
        assert refused.headers["www-authenticate"] == "Bearer"
        assert client.get(path, headers=bearer(token)).status_code == 200, path
    assert client.post(SCORE, files=files(png())).status_code == 401
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
    wrong = client.get("/v1/models", headers=bearer(token[:-1]))
    assert 'error_description="unknown"' in wrong.headers["www-authenticate"]


def test_a_token_is_kept_as_its_hash_for_its_owner_alone(token_file):
    token = Tokens.make(token_file)
    assert token not in token_file.read_text()
    assert token_file.stat().st_mode & 0o077 == 0
    Tokens(token_file).check(token)


def test_an_expired_token_is_named_so(service, token_file):
    token_file.write_text(json.dumps([asdict(Token.of("old", days=-1))]))
    refused = open_client(service, Tokens(token_file)).get("/v1/models", headers=bearer("old"))
    assert refused.status_code == 401
    assert 'error_description="expired"' in refused.headers["www-authenticate"]


def test_a_token_that_is_taken_from_the_file_opens_nothing_more(token_file):
    token = Tokens.make(token_file)
    tokens = Tokens(token_file)
    token_file.write_text(json.dumps([asdict(Token.of("another"))]))
    with pytest.raises(TokenError, match="not known"):
        tokens.check(token)
    tokens.check("another")


def test_a_token_without_a_zone_expires_in_utc(token_file):
    for days, expired in ((-1, True), (1, False)):
        token = asdict(Token.of("mine", days))
        token["expires"] = token["expires"].removesuffix("+00:00")
        token_file.write_text(json.dumps([token]))
        if expired:
            with pytest.raises(TokenError, match="expired"):
                Tokens(token_file).check("mine")
        else:
            Tokens(token_file).check("mine")


@pytest.mark.parametrize("text", [None, "damaged"])
def test_without_its_file_of_tokens_nobody_is_let_in(service, token_file, text):
    token = Tokens.make(token_file)
    client = open_client(service, Tokens(token_file))
    token_file.unlink()
    if text:
        token_file.write_text(text)
    refused = client.get("/v1/models", headers=bearer(token))
    assert refused.status_code == 503
    assert str(token_file) not in refused.text
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '["x"]',
        '[{"sha256": "x"}]',
        '[{"sha256": "\u00e9", "expires": "2999-01-01"}]',
        '[{"sha256": 7, "expires": "2999-01-01"}]',
    ],
)
def test_a_damaged_file_of_tokens_is_refused(token_file, text):
    token_file.write_text(text)
    with pytest.raises(ValueError, match=r"tokens\.json"):
        Tokens(token_file)


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"host": ""}, {"origin": "http://evil.example"}, {"origin": "null"}],
    ids=str,
)
def test_pages_of_the_web_do_not_reach_it(client, headers):
    assert client.post(SCORE, files=files(png()), headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{"host": "["}, {"origin": "http://["}], ids=str)
def test_a_header_that_is_no_address_is_named(client, headers):
    refused = client.get("/v1/models", headers=headers)
    assert refused.status_code == 400
    assert next(iter(headers)) in refused.json()["detail"].lower()


def test_its_own_page_reaches_it(client):
    own = {"origin": "http://127.0.0.1"}
    assert client.post(SCORE, files=files(png()), headers=own).status_code == 200


@pytest.fixture
def narrow(served_run, place):
    limits = Limits(body=20_000, pixels=1_000, images=3, waiting=4, requests=2)
    found = Service([Origin(served_run)], place, limits, device="cpu")
    yield found
    found.stop()


def test_too_long_a_body_is_refused_by_its_header_and_while_it_is_read(narrow):
    client = open_client(narrow)
    assert client.post(SCORE, files=files(b"x" * 30_000)).status_code == 413

    headers = {"content-type": "application/json"}
    parts = (b"x" * 1000 for _ in range(30))  # of a length that no header tells
    assert client.post(SCORE, content=parts, headers=headers).status_code == 413


def test_too_many_images_and_too_large_ones_are_refused(narrow):
    client = open_client(narrow)
    assert client.post(SCORE, files=files(*[png()] * 4)).status_code in (400, 413)
    large = client.post(SCORE, files=files(png(side=40)))
    assert large.status_code == 422
    assert "max_pixels=1,000" in large.json()["detail"]


def test_a_full_line_answers_429_and_when_to_try_again(narrow):
    client = open_client(narrow)
    narrow.scorer.line._open = 3  # as if three images were being scored
    full = client.post(SCORE, files=files(png(), png()))
    assert full.status_code == 429
    assert int(full.headers["retry-after"]) >= 1
    assert client.post(SCORE, files=files(png())).status_code == 200
    narrow.scorer.line._open = 0
    assert narrow.log.count() == 1


def test_bodies_of_all_requests_have_a_limit_together(narrow):
    guard = build_app(narrow)
    client = TestClient(guard, base_url="http://127.0.0.1")
    guard._held = narrow.limits.bodies - 100  # as if others were being read
    full = client.post(SCORE, files=files(png()))
    assert full.status_code == 429
    assert int(full.headers["retry-after"]) >= 1
    headers = {"content-type": "application/json"}
    unsaid = client.post(SCORE, content=(b"x" * 60 for _ in range(3)), headers=headers)
    assert unsaid.status_code == 429
    assert guard._held == narrow.limits.bodies - 100, "what was read is let go"
    guard._held = 0
    assert client.post(SCORE, files=files(png())).status_code == 200
    assert guard._held == 0


def test_only_a_failing_log_counts_as_one(client, service):
    def failures() -> str:
        found = [x for x in client.get("/metrics").text.splitlines() if "log_failures_total" in x]
        return found[-1].split()[1]

    client.delete("/v1/models/parts")
    assert client.get("/readyz").status_code == 503
    assert failures() == "0.0"
    with service.log.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE feedback")
    assert client.get("/v1/decisions", params={"judged": True}).status_code == 503
    assert failures() == "1.0"


def test_metrics_count_what_was_answered(client):
    client.post(SCORE, files=files(png(), png(1, spot=True)))
    client.get("/v1/models/none")
    text = client.get("/metrics").text
    assert 'hardsight_requests_total{route="/v1/models/{name}/score",status="200"} 1.0' in text
    assert 'hardsight_requests_total{route="/v1/models/{name}",status="404"} 1.0' in text
    assert "hardsight_waiting_images 0.0" in text
    assert socket.gethostname() not in text
