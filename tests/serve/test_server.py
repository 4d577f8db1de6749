"""Listening, slow clients, and a whole service that is stopped and killed under load."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from pictures_sent import png
from served import served
from typed import call, words

from hardsight.core.run_folders import CONFIG
from hardsight.serve.limits import Limits
from hardsight.serve.log import InspectionLog
from hardsight.serve.models import Origin
from hardsight.serve.server import is_loopback, listen
from hardsight.serve.service import Service

HEADERS = {"Content-Type": "multipart/form-data; boundary=x"}
BODY = (
    b'--x\r\nContent-Disposition: form-data; name="a"; filename="a.png"\r\n\r\n'
    + png()
    + b"\r\n--x--\r\n"
)


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.3.2.1", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("10.0.0.7", False), ("line.example", False)],
)  # fmt: skip
def test_what_only_this_machine_reaches(host, local):
    assert is_loopback(host) is local


def test_elsewhere_it_does_not_listen_without_a_token():
    with pytest.raises(ValueError, match="give --token-file"):
        listen("0.0.0.0", 0, None)


def test_a_port_in_use_is_named():
    with listen("127.0.0.1", 0, None) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port={port} cannot be listened on"):
            listen("127.0.0.1", port, None)


@pytest.fixture
def begun(tmp_path):
    """A folder that looks like a run until it is opened."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / CONFIG).touch()
    return tmp_path / "run"


def test_the_command_explains_what_it_cannot_serve(begun, tmp_path):
    refused = call("serve", begun, "--host", "0.0.0.0")
    assert refused.exit_code == 1
    assert "without a token anybody could use" in words(refused)
    log = ("--log", tmp_path / "log.db", "--pictures", tmp_path / "pictures")
    empty = call("serve", tmp_path, "--port", 0, *log)
    assert empty.exit_code == 1
    assert "is not a run folder" in words(empty)
    keep = call("serve", begun, "--keep", "some")
    assert "must be all, alarms or none" in words(keep)


def test_a_log_that_cannot_be_opened_is_explained(served_run):
    refused = call("serve", served_run, "--port", 0, "--log", "postgresql://nobody@127.0.0.1:1/no")
    assert refused.exit_code == 1
    assert "error: the log at postgresql+pg8000://nobody@127.0.0.1:1/no failed" in words(refused)


def test_a_service_that_cannot_begin_leaves_no_thread_behind(served_run, tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))
    place = ("--log", tmp_path / "log.db", "--pictures", tmp_path / "pictures")
    refused = call("serve", served_run, "--port", 0, *place)
    assert refused.exit_code == 1
    assert "No such file" in words(refused)
    assert not [t.name for t in threading.enumerate() if t.name.startswith("hardsight-")]


def test_it_answers_to_the_address_that_it_listens_on(service):
    with served(service, host="127.0.0.2") as url:
        connection = http.client.HTTPConnection(url.split("/")[2])
        connection.request("GET", "/v1/models")
        assert connection.getresponse().status == 200
        connection.close()


def test_a_new_file_of_tokens_shows_its_token_once(begun, tmp_path):
    path, log = tmp_path / "tokens.json", ("--log", tmp_path / "log.db")
    first = words(call("serve", begun, "--port", 0, "--token-file", path, *log))
    assert "Token, shown this once:" in first
    assert "Token" not in words(call("serve", begun, "--port", 0, "--token-file", path, *log))


@pytest.fixture
def impatient(served_run, place):
    found = Service([Origin(served_run)], place, replace(Limits(), seconds=2), device="cpu")
    yield found
    found.stop()


def test_a_client_that_sends_too_slowly_is_told_so(impatient):
    with served(impatient) as url:
        port = int(url.split(":")[2].strip("/"))
        with socket.create_connection(("127.0.0.1", port)) as slow:
            head = f"POST /v1/models/parts/score HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            head += f"Content-Type: {HEADERS['Content-Type']}\r\nContent-Length: {len(BODY)}\r\n"
            slow.sendall(head.encode() + b"\r\n" + BODY[:50])
            assert b" 408 " in slow.recv(1000).split(b"\r\n")[0]


def test_a_client_that_has_gone_leaves_nothing_waiting(impatient):
    with served(impatient) as url:
        port = int(url.split(":")[2].strip("/"))
        for _ in range(5):
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("POST", "/v1/models/parts/score", BODY, HEADERS)
            connection.close()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/v1/models/parts/score", BODY, HEADERS)
        assert connection.getresponse().status == 200
        connection.close()
    assert impatient.scorer.line.unanswered == 0


def test_a_model_that_is_too_slow_answers_503_in_time(impatient):
    gate = threading.Event()
    impatient.scorer.aside(gate.wait)
    with served(impatient) as url:
        connection = http.client.HTTPConnection("127.0.0.1", int(url.split(":")[2].strip("/")))
        connection.request("POST", "/v1/models/parts/score", BODY, HEADERS)
        late = connection.getresponse()
        assert (late.status, late.getheader("Retry-After")) == (503, "5")
        assert b"no answer within 2 s; send fewer images at a time" in late.read()
        connection.close()
    gate.set()
    impatient.scorer.stop()
    assert impatient.log.count() == 0, "nobody waits for it, so it is not decided"


def started(run, folder) -> tuple[subprocess.Popen, int]:
    """A service in a process of its own, and its port."""
    command = [sys.executable, "-m", "hardsight", "serve", str(run), "--port", "0"]
    command += ["--log", str(folder / "log.db"), "--pictures", str(folder / "pictures")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    said = [process.stdout.readline()]
    while "Ctrl-C ends it" not in said[-1]:
        said.append(process.stdout.readline())
        assert said[-1], "it did not start"
    return process, int(said[0].split("127.0.0.1:")[1].split("/")[0])


def ask(port: int, told: list[str]) -> None:
    """Send images until the service has gone."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        while True:
            connection.request("POST", "/v1/models/parts/score", BODY, HEADERS)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200:
                return
            told.extend(row["id"] for row in json.loads(content)["decisions"])
    except (OSError, http.client.HTTPException):
        return


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_acknowledged_before_the_end_is_in_the_log(served_run, tmp_path, number):
    process, port = started(served_run, tmp_path)
    told: list[str] = []
    clients = [threading.Thread(target=ask, args=(port, told)) for _ in range(8)]
    for client in clients:
        client.start()
    until = time.monotonic() + 60
    while len(told) < 100 and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(number)
    assert process.wait(60) == (0 if number == signal.SIGTERM else -number)
    for client in clients:
        client.join()
    with InspectionLog(tmp_path / "log.db") as log:
        known = {each.decision.id for each in log.each()}
    assert len(told) >= 100
    assert set(told) <= known
    if number == signal.SIGTERM:
        assert set(told) == known, "what was accepted was answered too"
