"""Load on a service: throughput beside the plain batched rate, latency, kills, a soak.

A run is served by ``hardsight serve`` in a process of its own on loopback, and asked by a bounded
number of clients, each with a connection that it keeps. The plain rate is that of
``Detector.decide`` on the same files in batches, in turns with the load:
``python benchmarks/serving.py RUN IMAGES [--clients 32] [--seconds 20] [--turns 3] [--kills 10]
[--soak 600]``
"""

import argparse
import http.client
import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from hardsight.core.threads import share_cpus

share_cpus()

from hardsight.data import iter_images  # noqa: E402 - threads are shared before torch is loaded
from hardsight.runs import open_detector_run  # noqa: E402
from hardsight.serve.log import InspectionLog, Query  # noqa: E402

BATCH = 16
READY = 300
"""Seconds that a service may take to load."""


@dataclass
class Told:
    """What clients were told."""

    seconds: list[float] = field(default_factory=list)
    scores: dict[str, set[float]] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    refused: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, took: float, answer: dict) -> None:
        row = answer["decisions"][0]
        with self.lock:
            self.seconds.append(took)
            self.ids.append(row["id"])
            self.scores.setdefault(name, set()).add(row["score"])


class Server:
    """``hardsight serve`` on a free port, with its log in a folder."""

    def __init__(self, run: Path, folder: Path) -> None:
        self.name, self.log = run.resolve().name, folder / "log.db"
        self._output = (folder / "serve.out").open("a+")
        words = [sys.executable, "-m", "hardsight", "serve", str(run), "--port", "0"]
        words += ["--log", str(self.log), "--pictures", str(folder / "pictures")]
        words += ["--keep", "none"]
        start = self._output.seek(0, os.SEEK_END)
        self._errors = (folder / "serve.err").open("a")
        self.process = subprocess.Popen(words, stdout=self._output, stderr=self._errors)
        until = time.monotonic() + READY
        while "Ctrl-C ends it" not in (said := self._said(start)):
            if time.monotonic() > until or self.process.poll() is not None:
                raise SystemExit(f"the service did not start: see {folder}/serve.err")
            time.sleep(0.2)
        self.port = int(said.split("127.0.0.1:")[1].split("/")[0])

    def _said(self, start: int) -> str:
        self._output.seek(start)
        return self._output.read()

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(120)
        self._output.close()
        self._errors.close()


def client(server: Server, files: list[tuple[str, bytes]], until: float, told: Told) -> None:
    """Send one image after the other until the time, or until the service has gone."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    headers = {"Content-Type": "multipart/form-data; boundary=parts"}
    path = f"/v1/models/{server.name}/score"
    for name, data in itertools.cycle(files):
        if time.monotonic() > until:
            break
        head = f'--parts\r\nContent-Disposition: form-data; name="i"; filename="{name}"\r\n\r\n'
        body = head.encode() + data + b"\r\n--parts--\r\n"
        begun = time.perf_counter()
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            break  # killed
        if answer.status != 200:
            told.refused += 1
            time.sleep(0.2)
            continue
        told.add(name, time.perf_counter() - begun, json.loads(content))
    connection.close()


def load(
    server: Server, files: list[tuple[str, bytes]], clients: int, seconds: float, told: Told
) -> Told:
    """Ask from many clients at once; each begins at another image."""
    until = time.monotonic() + seconds
    starts = [i * len(files) // clients for i in range(clients)]
    threads = [
        threading.Thread(target=client, args=(server, files[s:] + files[:s], until, told))
        for s in starts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def plain_rate(detector, paths: list[Path], seconds: float) -> float:
    """Return the images a second of ``decide`` on files, in batches."""
    begun, done = time.perf_counter(), 0
    while (took := time.perf_counter() - begun) < seconds:
        start = done % len(paths)
        detector.decide(paths[start : start + BATCH], BATCH)
        done += len(paths[start : start + BATCH])
    return done / took


def resident(process: int) -> int:
    """Return the KiB that a process has in memory, as Linux tells."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0])


def cpu_seconds(process: int) -> float:
    """Return the CPU time of a process, as Linux tells; unlike a rate it knows no other load."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def throughput(args: argparse.Namespace, files, paths, folder: Path) -> dict[str, float]:
    """Measure load and plain scoring in turns."""
    detector = open_detector_run(args.run).deciding("cpu")
    expected = dict(zip([name for name, _ in files], _scores(detector, paths), strict=True))
    ratios, rates, plains, seconds, wrong = [], [], [], [], 0
    cpu = {"plain": 0.0, "service": 0.0, "clients": 0.0}
    server = Server(args.run, folder)
    try:
        load(server, files, args.clients, 2, Told())
        before = resident(server.process.pid)
        for _ in range(args.turns):
            marks = [time.process_time()]
            plains.append(plain := plain_rate(detector, paths, args.seconds))
            marks += [time.process_time(), cpu_seconds(server.process.pid)]
            told = load(server, files, args.clients, args.seconds, Told())
            cpu["plain"] += (marks[1] - marks[0]) / (plain * args.seconds)
            cpu["service"] += (cpu_seconds(server.process.pid) - marks[2]) / len(told.ids)
            cpu["clients"] += (time.process_time() - marks[1]) / len(told.ids)
            rates.append(len(told.seconds) / args.seconds)
            ratios.append(rates[-1] / plain)
            seconds += told.seconds
            for name, found in told.scores.items():
                wrong += sum(abs(s - expected[name]) > 1e-4 * abs(expected[name]) for s in found)
            print(
                f"plain {plain:.1f}/s, service {rates[-1]:.1f}/s, ratio {ratios[-1]:.3f}",
                flush=True,
            )
        grown = resident(server.process.pid) - before
        alone = load(server, files, 1, args.seconds, Told()).seconds
    finally:
        server.stop()
    cuts = statistics.quantiles(seconds, n=100)
    return {
        "clients": args.clients,
        "images a second": statistics.median(rates),
        "plain images a second": statistics.median(plains),
        "ratio to plain": statistics.median(ratios),
        **{f"CPU ms an image, {who}": 1000 * cpu[who] / args.turns for who in cpu},
        "p50 ms": 1000 * cuts[49],
        "p99 ms": 1000 * cuts[98],
        "p50 ms, one client": 1000 * statistics.median(alone),
        "answers": len(seconds),
        "wrong": wrong,
        "memory grown MiB": grown / 2**10,
    }


def _scores(detector, paths: list[Path]) -> list[float]:
    return detector.decide(paths, BATCH).pred_score.tolist()


def soak(args: argparse.Namespace, files, folder: Path) -> dict[str, object]:
    """Ask for a long time, and watch the memory of the service."""
    server, told, memory = Server(args.run, folder), Told(), []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(args.soak / 60):
            memory.append(resident(server.process.pid) / 2**10)

    watcher = threading.Thread(target=look)
    watcher.start()
    load(server, files, args.clients, args.soak, told)
    ended.set()
    watcher.join()
    server.stop()
    with InspectionLog(server.log) as log:
        known = {each.decision.id for each in log.each(Query())}
    settled = memory[len(memory) // 6 :]  # caches are full
    pairs = itertools.combinations(enumerate(settled), 2)
    slope = statistics.median((b - a) / (j - i) for (i, a), (j, b) in pairs)  # Theil and Sen
    return {
        "soak seconds": args.soak,
        "soak answers": len(told.ids),
        "soak refused": told.refused,
        "soak lost": len(set(told.ids) - known),
        "soak memory MiB": [round(each) for each in memory],
        "soak MiB an hour": slope * 60 / args.soak * 3600,
    }


def kills(args: argparse.Namespace, files, folder: Path) -> dict[str, int]:
    """Kill the service under load, and look for every acknowledged decision in its log."""
    acknowledged = lost = 0
    for i in range(args.kills):
        server = Server(args.run, folder)
        told = Told()
        killer = threading.Thread(target=kill_after, args=(server, told, 20 + 15 * i))
        killer.start()
        load(server, files, args.clients, 120, told)
        killer.join()
        server.process.wait()
        with InspectionLog(server.log) as log:
            known = {each.decision.id for each in log.each(Query())}
        acknowledged += len(told.ids)
        lost += len(set(told.ids) - known)
        print(f"kill {i + 1}: {len(told.ids)} acknowledged, {lost} lost so far", flush=True)
    return {"kills": args.kills, "acknowledged": acknowledged, "lost": lost}


def kill_after(server: Server, told: Told, answers: int) -> None:
    """Kill a service once it has given as many answers."""
    until = time.monotonic() + READY
    while len(told.ids) < answers and time.monotonic() < until:
        time.sleep(0.001)
    server.process.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("images", help="a folder of images")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=20.0, help="of a turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--soak", type=float, default=0.0, help="seconds under load")
    parser.add_argument("--output", type=Path, help="a .json file for the figures")
    args = parser.parse_args()
    paths = [Path(path) for path in iter_images([args.images])][:200]
    files = [("-".join(path.parts[-3:]), path.read_bytes()) for path in paths]
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, object] = {
            "run": args.run.name,
            "method": open_detector_run(args.run).config.method,
            "cores": os.cpu_count(),
            "load before": os.getloadavg(),
        }
        if args.turns:
            found |= throughput(args, files, paths, Path(folder))
        if args.kills:
            found |= kills(args, files, Path(folder))
        if args.soak:
            found |= soak(args, files, Path(folder))
    text = json.dumps(found, indent=1)
    print(text)
    if args.output:
        args.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
