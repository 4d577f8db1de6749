"""A supervisor hears when the service is ready, and when it stops."""

import signal
import socket

import pytest
import uvicorn

from hardsight.serve.server import Server
from hardsight.serve.supervisor import READY, notify


async def nothing(scope, receive, send):
    pass


@pytest.fixture(params=["a file", "a name"])
def supervisor(request, tmp_path, monkeypatch):
    """A socket as systemd listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(5)
        name = f"{tmp_path.name}-notify"
        path = str(tmp_path / "notify") if request.param == "a file" else f"\0{name}"
        listening.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path.replace("\0", "@"))
        yield listening


def test_a_supervisor_is_told(supervisor):
    notify(READY)
    assert supervisor.recv(100) == b"READY=1"


def test_a_signal_is_told_before_what_was_accepted_is_finished(supervisor):
    server = Server(uvicorn.Config(nothing, log_config=None))
    with server.capture_signals():
        signal.raise_signal(signal.SIGTERM)
        assert supervisor.recv(100) == b"STOPPING=1"
        assert server.should_exit
        assert not server.force_exit


def test_without_one_nothing_is_told(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify(READY)


def test_one_that_is_not_there_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))
    with pytest.raises(OSError, match="No such file"):
        notify(READY)
