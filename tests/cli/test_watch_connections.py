"""``hardsight watch --to``: decisions leave the process; files are moved, and none is lost."""

import http.server
import json
import shutil
import threading

import pytest
from typed import call, words


@pytest.fixture
def incoming(parts, tmp_path):
    folder = shutil.copytree(parts / "test/good", tmp_path / "in")
    for path in sorted((parts / "test/spot").iterdir()):
        shutil.copy(path, folder / f"spot-{path.name}")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n")
    return folder


def test_a_hot_folder_is_emptied_by_verdict(run, incoming, tmp_path):
    contents = {p.name: p.read_bytes() for p in incoming.iterdir()}
    table, out = tmp_path / "s.jsonl", tmp_path / "out"
    given = ("watch", run, incoming, "--idle", 0, "-o", table, "--state", tmp_path / "state")
    done = call(*given, "--to", f"folder:{out}")
    assert done.exit_code == 0, words(done)
    assert list(incoming.iterdir()) == []
    rows = {
        r["path"].rpartition("/")[2]: r for r in map(json.loads, table.read_text().splitlines())
    }
    assert rows.keys() == contents.keys()
    for name, content in contents.items():
        row = rows[name]
        place = "unreadable" if row["error"] else "anomalous" if row["anomalous"] else "good"
        assert (out / place / name).read_bytes() == content


@pytest.mark.parametrize("place", ["", "sorted", "a%20b/../sorted"])
def test_to_sort_into_the_watched_folder_is_refused(run, incoming, tmp_path, place):
    before = sorted(incoming.rglob("*"))
    address = f"folder:{incoming / place}"
    done = call("watch", run, incoming, "--to", address, "--state", tmp_path / "state")
    assert done.exit_code == 1
    assert f"lies in {incoming}, where what is sorted would be scored again" in words(done)
    assert sorted(incoming.rglob("*")) == before


def test_a_name_that_comes_again_is_another_part(run, incoming, parts, tmp_path):
    """A line that calls every picture the same has each of them scored, once the last is moved."""
    for path in incoming.iterdir():
        path.unlink()
    pictures = sorted((parts / "test/good").iterdir())[:3]
    out, name = tmp_path / "out", incoming / "part.png"
    shutil.copy(pictures[0], name)

    def refill() -> None:
        for picture in pictures[1:]:
            while name.exists():
                threading.Event().wait(0.01)
            threading.Event().wait(0.3)
            shutil.copy(picture, incoming / ".arriving")
            (incoming / ".arriving").rename(name)

    thread = threading.Thread(target=refill)
    thread.start()
    done = call(
        "watch", run, incoming, "--idle", 2, "-o", tmp_path / "s.csv", "--to", f"folder:{out}"
    )
    thread.join()
    assert done.exit_code == 0, words(done)
    assert "3 images" in words(done)
    kept = sorted(p.read_bytes() for p in out.glob("*/*.png"))
    assert kept == sorted(p.read_bytes() for p in pictures)


def test_every_decision_is_posted_and_what_is_not_is_said(run, incoming, tmp_path, monkeypatch):
    monkeypatch.setenv("HARDSIGHT_WEBHOOK_SECRET", "a secret of two parties")
    seen = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    table, url = tmp_path / "s.jsonl", f"http://127.0.0.1:{server.server_port}/"
    given = ("watch", run, incoming, "--idle", 0, "--state", tmp_path / "state", "--to", url)
    done = call(*given, "-o", table)
    server.shutdown()
    thread.join()
    server.server_close()
    assert done.exit_code == 0, words(done)
    rows = {r["path"]: r for r in map(json.loads, table.read_text().splitlines())}
    assert {m["source"] for m in seen} == rows.keys()
    for message in seen:
        row = rows[message["source"]]
        if "error" in message:
            assert message["error"] == row["error"]
        else:
            assert (message["score"], message["label"]) == (row["score"], row["anomalous"])
            assert message["model"] == run.name
    done = call(*given, "-o", tmp_path / "t.jsonl")
    assert done.exit_code == 0, words(done)
    assert "9 messages were not delivered (no answer" in words(done)


def test_a_bad_address_ends_the_watch_before_it_begins(run, incoming, tmp_path):
    done = call("watch", run, incoming, "--to", "ftp://host", "-o", tmp_path / "s.csv")
    assert done.exit_code == 1
    assert "is no address of a connection" in words(done)
    assert not (tmp_path / "s.csv").exists()
