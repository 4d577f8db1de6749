"""Slow, dead and flooding clients: each is answered or ended, and the others are served."""

import http.client
import json
import socket
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from pictures_sent import png
from records import decisions
from served import served

from hardsight.serve.limits import Limits
from hardsight.serve.models import Origin
from hardsight.serve.service import Service

PATH = "/v1/models/parts/score"
HEADERS = {"Content-Type": "multipart/form-data; boundary=x"}
BODY = (
    b'--x\r\nContent-Disposition: form-data; name="a"; filename="a.png"\r\n\r\n'
    + png()
    + b"\r\n--x--\r\n"
)
LIMITS = Limits(waiting=6, requests=8, connections=24, seconds=0.4)


@pytest.fixture
def narrow(served_run, place, request):
    limits = replace(LIMITS, seconds=getattr(request, "param", LIMITS.seconds))
    found = Service([Origin(served_run)], place, limits, device="cpu")
    yield found
    found.stop()


@pytest.fixture
def address(narrow):
    with served(narrow) as url:
        yield "127.0.0.1", urlsplit(url).port


def ask(address, method="POST", path=PATH, body=BODY) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(*address, timeout=20)
    connection.request(method, path, body, HEADERS)
    answer = connection.getresponse()
    answer.content = answer.read()
    connection.close()
    return answer


def ended(connection: socket.socket) -> bool:
    """Wait until the other side has ended a connection; what it sends is read."""
    connection.settimeout(10)
    try:
        while connection.recv(1 << 16):
            pass
    except ConnectionError:
        return True
    return True


def trickle(connection: socket.socket, data: bytes) -> None:
    for byte in data:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def test_a_client_that_says_nothing_is_ended(address):
    with socket.create_connection(address) as silent:
        assert ended(silent)


def test_a_head_that_trickles_in_is_ended(address):
    with socket.create_connection(address) as slow, pytest.raises(ConnectionError):
        trickle(slow, b"POST /" + b"x" * 500)


def test_a_second_head_that_trickles_in_is_ended_too(address):
    with socket.create_connection(address) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert slow.recv(1000).startswith(b"HTTP/1.1 200")
        with pytest.raises(ConnectionError):
            trickle(slow, b"GET /" + b"x" * 500)


def test_who_reads_no_answer_does_not_hold_a_place(address, narrow):
    narrow.log.append(decisions(2_500, source="x" * 4000))  # as CSV more than the system buffers
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(address)
        deaf.sendall(b"GET /v1/decisions.csv HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        until = time.monotonic() + 20
        while b"decisions.csv" not in ask(address, "GET", "/metrics").content:
            assert time.monotonic() < until, "the request still runs"
            time.sleep(0.05)


def test_more_connections_than_there_may_be_are_ended_and_places_come_free(address):
    with ExitStack() as stack:
        crowd = [
            stack.enter_context(socket.create_connection(address))
            for _ in range(2 * LIMITS.connections)
        ]
        until, status = time.monotonic() + 20, 0
        while status != 200:
            assert time.monotonic() < until
            try:
                status = ask(address).status
            except (http.client.HTTPException, OSError):
                time.sleep(0.1)
        assert all(ended(each) for each in crowd)


@pytest.mark.parametrize("narrow", [20.0], indirect=True)
def test_of_a_flood_each_is_decided_or_told_when_to_try_again(address, narrow):
    answers: list[http.client.HTTPResponse] = []

    def flood() -> None:
        for _ in range(6):
            answers.append(ask(address))

    clients = [threading.Thread(target=flood) for _ in range(16)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    taken = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status in (429, 503)]
    assert len(taken) + len(refused) == 96
    assert taken
    assert refused, "more was asked at a time than waits"
    assert all(int(answer.getheader("Retry-After")) >= 1 for answer in refused)
    told = {row["id"] for answer in taken for row in json.loads(answer.content)["decisions"]}
    assert {each.decision.id for each in narrow.log.each()} == told
    assert narrow.scorer.line.unanswered == 0


def test_a_client_that_goes_before_its_body_is_whole_is_no_failure(service, caplog):
    head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(BODY)}\r\n"
    counted = 'hardsight_requests_total{route="/v1/models/{name}/score",status="400"} 2.0'
    with served(service) as url:
        for media in (HEADERS["Content-Type"], "application/json"):
            with socket.create_connection(("127.0.0.1", urlsplit(url).port)) as gone:
                gone.sendall(f"{head}Content-Type: {media}\r\n\r\n".encode() + BODY[:50])
        until = time.monotonic() + 20
        while counted not in service.measures.text().decode() and time.monotonic() < until:
            time.sleep(0.01)
    assert counted in service.measures.text().decode()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
