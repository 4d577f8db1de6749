import hmac
import http.server
import json
import threading
import time

import pytest
from loopback import decision, free_port, until

from hardsight.connections import connect
from hardsight.connections.courier import Undelivered
from hardsight.connections.webhook import SECRET, Webhook, is_signed, signature

KEY = "a secret of two parties"


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((dict(self.headers), body))
        self.server.paths.append(self.path)
        time.sleep(self.server.delay)
        self.send_response(self.server.codes.pop(0) if self.server.codes else 204)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    found = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    found.seen, found.paths, found.codes, found.delay = [], [], [], 0.0
    thread = threading.Thread(target=found.serve_forever, args=(0.02,))
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def url(server):
    return f"http://127.0.0.1:{server.server_port}/hook"


def test_a_request_is_signed_as_rfc_2104_says(server):
    Webhook(url(server), KEY)(b'{"a": 1}')
    ((headers, body),) = server.seen
    assert body == b'{"a": 1}'
    stamp, given = headers["X-Hardsight-Timestamp"], headers["X-Hardsight-Signature"]
    digest = hmac.new(KEY.encode(), f"{stamp}.".encode() + body, "sha256").hexdigest()
    assert given == f"sha256={digest}"
    assert is_signed(KEY, stamp, body, given)
    assert not is_signed(KEY, stamp, b'{"a": 2}', given)
    assert not is_signed("another secret, longer", stamp, body, given)
    old = str(int(stamp) - 301)
    assert not is_signed(KEY, old, body, signature(KEY, old, body))


@pytest.mark.parametrize(("code", "final"), [(500, False), (429, False), (400, True), (302, True)])
def test_other_answers_than_success(server, code, final):
    server.codes = [code]
    with pytest.raises(Undelivered, match=f"it answered {code}") as told:
        Webhook(url(server), KEY)(b"{}")
    assert told.value.final is final
    assert len(server.seen) == 1  # no redirect is followed


def test_no_answer_is_tried_again(server):
    with pytest.raises(Undelivered, match="no answer") as told:
        Webhook(f"http://127.0.0.1:{free_port()}/", KEY)(b"{}")
    assert not told.value.final
    server.delay = 0.5
    with pytest.raises(Undelivered, match="no answer"):
        Webhook(url(server), KEY, timeout=0.05)(b"{}")


def test_a_secret_is_demanded(tmp_path, monkeypatch):
    monkeypatch.delenv(SECRET, raising=False)
    with pytest.raises(ValueError, match="HARDSIGHT_WEBHOOK_SECRET"):
        connect("https://localhost/hook", tmp_path)


def test_decisions_reach_a_receiver_that_fails_first(server, tmp_path, monkeypatch):
    monkeypatch.setenv(SECRET, KEY)
    server.codes = [503]
    sink, made = connect(url(server), tmp_path), [decision(), decision(label=True)]
    sink.send(made)
    until(lambda: not len(sink.outbox))
    assert sink.close() == []
    ids = [json.loads(body)["id"] for _, body in server.seen]
    assert ids == [made[0].id, made[0].id, made[1].id]


def test_decisions_of_a_dead_receiver_wait_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv(SECRET, KEY)
    port = free_port()
    sink, made = connect(f"http://127.0.0.1:{port}/", tmp_path), decision()
    sink.send([made])
    (told,) = sink.close()
    assert "1 messages were not delivered (no answer" in told
    server = http.server.HTTPServer(("127.0.0.1", port), Receiver)
    server.seen, server.codes, server.delay = [], [], 0.0
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    connect(f"http://127.0.0.1:{port}/", tmp_path).close()
    thread.join()
    server.server_close()
    assert json.loads(server.seen[0][1])["id"] == made.id


def test_a_path_may_have_letters_of_any_language(server):
    Webhook(f"{url(server)}/prüfung%20a?größe=1&b=2", KEY)(b"{}")
    assert len(server.seen) == 1
    assert server.paths == ["/hook/pr%C3%BCfung%20a?gr%C3%B6%C3%9Fe=1&b=2"]
