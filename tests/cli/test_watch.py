"""``hardsight watch`` as a person types it."""

import csv
import http.server
import io
import json
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typed import call, interrupted, words


@pytest.fixture(scope="module")
def run(parts, tiny_preset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "parts"
    done = call("fit", tiny_preset, "--data", parts, "--run", folder, "--no-select")
    assert done.exit_code == 0, words(done)
    return folder


@pytest.fixture(scope="module")
def alarmed(run, tmp_path_factory):
    """The run with a threshold below every score: each image is anomalous."""
    low = shutil.copytree(run, tmp_path_factory.mktemp("low") / "run")
    values = json.loads((low / "calibration.json").read_text())
    (low / "calibration.json").write_text(json.dumps(values | {"threshold": -1.0}))
    return low


def test_a_folder_into_which_images_are_copied_is_scored_as_score_does(run, parts, tmp_path):
    there, coming = parts / "test/good", sorted((parts / "test/spot").iterdir())
    folder = shutil.copytree(there, tmp_path / "in")
    (folder / "a-broken.png").write_bytes(b"\x89PNG\r\n")

    def copy() -> None:
        for path in coming:
            time.sleep(0.1)
            shutil.copy(path, folder / f"z-{path.name}")

    thread = threading.Thread(target=copy)
    thread.start()
    heat, out = tmp_path / "heat", tmp_path / "s.jsonl"
    done = call("watch", run, folder, "--idle", 1.5, "-o", out, "--overlays", heat)
    thread.join()
    assert done.exit_code == 0, words(done)
    assert "9 images" in words(done)
    assert "1 of 9 files could not be read" in words(done)
    assert "latency" in words(done)
    rows = {Path(r["path"]).name: r for r in map(json.loads, out.read_text().splitlines())}
    assert rows.pop("a-broken.png")["error"]
    assert len(list(heat.glob("*.jpg"))) == 8
    names = [n for n in rows if n.startswith("z-")]
    assert sorted(names) == [f"z-{p.name}" for p in coming]
    again = call("score", run, *[folder / n for n in rows], "-o", tmp_path / "t.csv")
    assert again.exit_code == 0, words(again)
    scored = list(csv.DictReader((tmp_path / "t.csv").open()))
    expected = {Path(r["path"]).name: float(r["score"]) for r in scored}
    assert {n: r["score"] for n, r in rows.items()} == pytest.approx(expected, rel=1e-5)


def test_ctrl_c_ends_with_a_summary_and_the_exit_code_of_score(alarmed, parts, tmp_path):
    table = tmp_path / "s.csv"
    written = lambda: table.exists() and len(table.read_text().splitlines()) == 5  # noqa: E731
    given = ("watch", alarmed, parts / "test/good", "--fail-on-anomaly", "-o", table)
    done = interrupted(written, *given)
    assert done.exit_code == 2, words(done)
    lines = table.read_text().splitlines()
    assert lines[0] == "path,score,p_value,anomalous,error"
    assert all(line.count(",") == 4 for line in lines)
    assert done.stdout == ""
    assert "4 images, 4 anomalous" in words(done)
    assert "; 0.0 a second" not in words(done)


def test_a_video_is_scored_frame_by_frame(run, tmp_path):
    cv2 = pytest.importorskip("cv2", reason="needs the extra video")
    clip, rng = tmp_path / "clip.avi", np.random.default_rng(0)
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 32))
    if not writer.isOpened():
        pytest.skip("this OpenCV cannot write video")
    for _ in range(11):
        writer.write(rng.integers(90, 130, (32, 32, 3), dtype=np.uint8))
    writer.release()
    heat = tmp_path / "heat"
    done = call("watch", run, clip, "--batch-size", 4, "--overlays", heat)
    assert done.exit_code == 0, words(done)
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [r["path"] for r in rows] == [f"{clip}/{i:06}" for i in range(11)]
    assert all(float(r["score"]) > 0 for r in rows)
    assert len(list(heat.glob("*clip.avi_0000??.jpg"))) == 11


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("no/such", (), "no such file, folder or camera"),
        ("no/such", ("--idle", 1), "no such file, folder or camera"),
        ("photo.png", (), "use hardsight score"),
        ("clip.mp4", ("--idle", 1), "--idle is for folders"),
        (".", ("-o", "scores.txt"), "must end in .csv or .jsonl"),
    ],
)
def test_mistakes_get_the_way_out(run, tmp_path, monkeypatch, source, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.png").write_bytes(b"")
    (tmp_path / "clip.mp4").write_bytes(b"")
    done = call("watch", run, source, *options)
    assert done.exit_code == 1
    assert message in words(done)


class Camera(http.server.BaseHTTPRequestHandler):
    """A camera of the network that sends some frames, and is unplugged."""

    frames = 6

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for _ in range(self.frames):
            out = io.BytesIO()
            Image.new("RGB", (64, 64), (120, 110, 100)).save(out, "JPEG")
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {out.tell()}\r\n\r\n"
            self.wfile.write(head.encode() + out.getvalue() + b"\r\n")

    def log_message(self, *_):
        pass


def test_a_camera_that_is_unplugged_ends_the_watch_with_its_reason(run, tmp_path):
    pytest.importorskip("cv2", reason="needs the extra video")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    source, table = f"http://127.0.0.1:{server.server_port}/camera.mjpg", tmp_path / "s.csv"
    try:
        done = call("watch", run, source, "-o", table, "--batch-size", 1)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert done.exit_code == 1, words(done)
    assert "gives no more frames; is it still connected?" in words(done)
    rows = list(csv.DictReader(table.open()))
    assert 1 <= len(rows) <= Camera.frames
    assert all(row["path"].startswith(source) for row in rows)
